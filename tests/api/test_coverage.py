"""The last test of the API: every answer that schema/openapi.yaml promises was seen in this run. Arguments: the test programs whose notes
count. Each of them leaves a file with the answers that it saw in the folder HD_COVERAGE."""

import os
import sys

from contract import CONTRACT

# (method, path, status): why it need not be seen here.
NEVER_SEEN = {}


def promised():
    return {(method, path, int(status)) for (path, method), operation in CONTRACT.operations.items()
            for status in operation["responses"] if status != "default"}


def read_notes(folder, programs):
    seen = set()
    for program in programs:
        try:
            with open(os.path.join(folder, program), encoding="utf-8") as file:
                for line in file:
                    method, path, status = line.split()
                    seen.add((method, path, int(status)))
        except FileNotFoundError:
            sys.exit("%s has left no notes in %s; run the whole suite: meson test --suite api" % (program, folder))
    return seen


def main():
    folder = os.environ.get("HD_COVERAGE")
    if not folder or not sys.argv[1:]:
        sys.exit("HD_COVERAGE must name the folder of the notes, and the arguments must name the test programs")
    seen = read_notes(folder, sys.argv[1:])
    missing = sorted(promised() - seen - set(NEVER_SEEN))
    for method, path, status in missing:
        print("promised by schema/openapi.yaml, but no test saw it: %s %s -> %d" % (method, path, status))
    superfluous = sorted(set(NEVER_SEEN) - promised() | set(NEVER_SEEN) & seen)
    for method, path, status in superfluous:
        print("need not stand in NEVER_SEEN: %s %s -> %d" % (method, path, status))
    print("%d of %d promised answers were seen" % (len(promised() & seen), len(promised())))
    sys.exit(1 if missing or superfluous else 0)


if __name__ == "__main__":
    main()
