"""Exchange arrays with numpy.

    python3 numpy_arrays.py write FOLDER    arrays of every type, in numpy's own ways of saving
    python3 numpy_arrays.py check FOLDER    what calotype wrote, read back by numpy and by hand
"""
import json
import struct
import sys

import numpy as np

TYPES = ["f4", "f8", "i4", "i8", "u4", "u8", "u1"]


def arrays():
    ramp = np.arange(24).reshape(2, 3, 4)
    found = {t: (ramp * 3 + 1).astype("<" + t) for t in TYPES}
    found["scalar"] = np.float64(2.5)
    found["empty"] = np.zeros((0, 7), np.float32)
    return found


def write(folder):
    np.savez(folder + "/stored.npz", **arrays())
    np.savez_compressed(folder + "/deflated.npz", **arrays())
    np.savez(folder + "/fortran.npz", x=np.asfortranarray(np.ones((2, 3), np.float32)))
    np.savez(folder + "/big.npz", x=np.ones(3, ">f4"))
    np.savez(folder + "/objects.npz", x=np.array([{}, None], dtype=object))
    np.savez(folder + "/half.npz", x=np.ones(3, np.float16))
    # A sample of events made without calotype.
    np.savez(folder + "/events.npz", run=np.array([1, 1]), event=np.array([10, 11]), label=np.array([0, 2]),
             hit_offset=np.array([0, 1, 3]), hit_id=np.array([838861313, 838861313, 838861314]),
             hit_energy=np.array([1.5, 2.5, 3.5]), hit_collection=np.array([0, 0, 0], np.uint8),
             track_offset=np.array([0, 0, 1]), track_pt=np.array([5.0]), track_eta=np.array([0.5]),
             track_phi=np.array([-1.0]), track_charge=np.array([1]))


def check(folder):
    for name in ("stored", "deflated"):
        with np.load(f"{folder}/ours_{name}.npz") as found:
            assert sorted(found.files) == sorted(TYPES + ["empty"]), found.files
            for t in TYPES:
                assert found[t].dtype == np.dtype("<" + t), (t, found[t].dtype)
                assert found[t].shape == (6, 2, 2), found[t].shape
                assert (found[t] == (np.arange(24).reshape(6, 2, 2) * 3 + 1).astype(t)).all(), found[t]
            assert found["empty"].shape == (0, 7) and found["empty"].dtype == np.float32
    with np.load(folder + "/ours_events.npz") as found:
        assert found["run"].tolist() == [7, 8] and found["run"].dtype == np.uint32
        assert found["event"].tolist() == [2**40, 2**40 + 1] and found["event"].dtype == np.uint64
        assert found["label"].tolist() == [1, -1] and found["m_gg"].tolist() == [125.5, 0]
        assert found["hit_offset"].tolist() == [0, 2, 2] and found["track_offset"].tolist() == [0, 0, 1]
        assert found["hit_id"].tolist() == [5, 3] and found["hit_collection"].tolist() == [0, 3]
        assert found["hit_energy"].tolist() == [0.5, 0.25] and found["track_pt"].tolist() == [12.5]
        assert json.loads(found["metadata"].tobytes()) == {"seed": "7"}

    # safetensors, read by hand from the format's definition
    raw = open(folder + "/ours.safetensors", "rb").read()
    (size,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8:8 + size])
    assert size % 8 == 0 and header.pop("__metadata__") == {"classes": "H\u2192\u03b3\u03b3"}
    assert list(header) == ["weight", "bias", "half"]
    values = raw[8 + size:]
    assert max(entry["data_offsets"][1] for entry in header.values()) == len(values)
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        array = np.frombuffer(values[begin:end], "<f2" if name == "half" else "<f4").reshape(entry["shape"])
        expected = np.float32([-1.5]) if name == "bias" else np.arange(6, dtype=np.float32).reshape(2, 3) / 4
        assert entry["dtype"] == ("F16" if name == "half" else "F32") and (array == expected).all(), (name, array)
    try:
        from safetensors.numpy import load_file
    except ImportError:
        return
    theirs = load_file(folder + "/ours.safetensors")
    assert theirs["half"].dtype == np.float16 and (theirs["half"] == theirs["weight"]).all()
    assert (theirs["weight"] == np.arange(6, dtype=np.float32).reshape(2, 3) / 4).all()


if __name__ == "__main__":
    {"write": write, "check": check}[sys.argv[1]](sys.argv[2])
