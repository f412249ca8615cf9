"""Read .ig files independently of calotype and print what is in them, one line per event.

    python3 read_ig.py FILE...

For each event: run, event, luminosity block; per hit list the number of distinct ids, the sum of the ids and the sum of
the energies, over distinct ids; the same for towers (sum of iphi and of hadEnergy); number of tracks, sum of pt, of
charge; number of photons, leading et; repeated rows. Standard library only; the dialects are handled by rewriting them
into what json reads, not by a scanner like calotype's.
"""
import json
import re
import sys
import zipfile

HITS = ["EB", "EE", "ES", "HB", "HE", "HO", "HF"]


def parse(text):
    if text.lstrip().startswith("{'"):
        pieces = re.split(r'("(?:[^"\\]|\\.)*")', text)  # odd ones are strings
        for i in range(0, len(pieces), 2):
            pieces[i] = pieces[i].replace("'", '"').replace("(", "[").replace(")", "]")
        text = "".join(pieces)
    return json.loads(re.sub(r"(?<![\w\"])nan(?![\w\"])", "NaN", text))


def rows(event, name):
    found = [n for n in event["Collections"] if re.fullmatch(name + r"_V\d+", n)]
    if not found:
        return []
    columns = [c[0] for c in event["Types"][found[0]]]
    return [dict(zip(columns, row)) for row in event["Collections"][found[0]]]


def main():
    for path in sys.argv[1:]:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if not re.fullmatch(r"Events/.*/Event_[^/]*", member.filename):
                    continue
                event = parse(archive.read(member).decode("utf-8"))
                record = rows(event, "Event")[0]
                line = [record["run"], record["event"] & 0xFFFFFFFF if record["event"] < 0 else record["event"],
                        record["ls"]]
                repeated = 0
                for name in HITS:
                    hits = rows(event, name + "RecHits")
                    distinct = {hit["detid"]: hit["energy"] for hit in hits}
                    repeated += len(hits) - len(distinct)
                    line += [len(distinct), sum(distinct), repr(sum(distinct.values()))]
                towers = rows(event, "CaloTowers")
                line += [len(towers), int(sum(t["iphi"] for t in towers)), repr(sum(t["hadEnergy"] for t in towers))]
                tracks = rows(event, "Tracks")
                line += [len(tracks), repr(sum(t["pt"] for t in tracks)), sum(t["charge"] for t in tracks)]
                photons = rows(event, "Photons")
                line += [len(photons), repr(max((p["et"] for p in photons), default=0.0)), repeated]
                print(*line)


if __name__ == "__main__":
    main()
