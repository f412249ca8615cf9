#!/usr/bin/env python3
"""Disassembles a program that holds units for several instruction sets: instructions beyond x86-64's first level occur in
the units alone, each unit has its own, and nothing outside a unit calls into it (but through its table).

    registers.py PROGRAM MAP [--objdump OBJDUMP]      MAP: what the linker wrote with -Map
"""
import argparse
import bisect
import re
import subprocess
import sys

# A place in the map: section (a long name has a line of its own), address, size, file.
PLACE = re.compile(r"^ \.text\S*\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+(\S.*)$", re.M)
TARGET = re.compile(r"^(?:call|j\w+)\s+([0-9a-f]+)\b")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(.*)$")
# VEX and EVEX encodings, and what comes with levels 3 and 4 besides. (tzcnt is how the first level's `rep bsf` reads.)
BEYOND = re.compile(r"%[yz]mm|%k[0-7]\b|^v(?!err|erw)|^(?:andn|bextr|bls(?:i|r|msk)|bzhi|pdep|pext|mulx|rorx|sarx|shlx|shrx|lzcnt|movbe)[lq]?\b")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("map")
    parser.add_argument("--objdump", default="objdump")
    options = parser.parse_args()

    places = []  # (begin, end, (file, instruction set)) of the code of units
    for begin, size, file in PLACE.findall(open(options.map).read()):
        unit = re.search(r"_(avx2|avx512)\.(?:o|cpp\.o)\b", file)
        if unit and int(size, 16) > 0:
            places.append((int(begin, 16), int(begin, 16) + int(size, 16), (file, unit[1])))
    places.sort()
    begins = [p[0] for p in places]

    def unit_at(address):
        i = bisect.bisect_right(begins, address) - 1
        return places[i][2] if i >= 0 and address < places[i][1] else (None, None)

    seen = {"avx2": {"ymm": 0, "zmm": 0}, "avx512": {"ymm": 0, "zmm": 0}}
    leaks, outside, function = [], 0, ""
    listing = subprocess.run([options.objdump, "-d", "--no-show-raw-insn", "-C", options.program], capture_output=True,
                             text=True, check=True).stdout
    for line in listing.splitlines():
        match = INSTRUCTION.match(line)
        if not match:
            function = line if line.endswith(">:") else function
            continue
        file, instructions = unit_at(int(match[1], 16))
        if file is None:
            outside += 1
            if BEYOND.search(match[2]):
                leaks.append(f"{function} {line.strip()}")
        else:
            for register in seen[instructions]:
                seen[instructions][register] += "%" + register in match[2]
        target = TARGET.match(match[2])
        if target and unit_at(int(target[1], 16))[0] not in (None, file):
            leaks.append(f"{function} {line.strip()}")

    print(f"{outside} instructions outside the units; {len(leaks)} in the wrong place; registers in units: {seen}")
    for leak in leaks[:20]:
        print(leak)
    if outside < 1000:
        sys.exit("that is too little code to be the program")
    if leaks or not seen["avx2"]["ymm"] or seen["avx2"]["zmm"] or not seen["avx512"]["zmm"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
