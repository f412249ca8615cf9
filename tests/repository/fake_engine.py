"""An engine for the tests of scripts/figures: fake_engine.py SECONDS OUTPUT... claims that every call takes SECONDS."""
import sys

seconds, outputs = float(sys.argv[1]), sys.argv[2:]
known = set()
for line in sys.stdin:
    verb, key, *rest = line.split()
    if verb == "setup" and rest[-1] == "unheard-of":
        answer = "error no variant is called unheard-of"
    elif verb == "setup" and rest[-1] == "mortal":
        sys.exit(1)
    elif verb == "setup":
        known.add(key)
        answer = "ok 100 2"
    elif key not in known:
        answer = f"error nothing is set up as {key}"
    elif verb == "drop":
        known.remove(key)
        answer = "ok"
    elif verb == "outputs":
        answer = " ".join(["ok", *outputs])
    else:
        answer = "ok" + f" {seconds}" * int(rest[0])
    print(answer, flush=True)
