"""Reads gcc's counters: how many lines of each folder were reached.

lines.py BUILD ROOT [--missed FOLDER]... [--least FOLDER=PERCENT]...: the lines of FOLDER that were not reached are named with --missed;
it ends with 1 where fewer than PERCENT were.
"""

import argparse
import json
import os
import subprocess
import sys


def notes(build):
    """Files that gcc left beside each object; those of the tests do not count."""
    for folder, _, names in os.walk(build):
        if not os.path.relpath(folder, build).startswith("tests"):
            yield from (os.path.join(folder, name) for name in names if name.endswith(".gcno"))


def count(build, root):
    """{path from the root: {line: how often}}. A file that is compiled into several programs counts once, with the most of them."""
    program = ["gcov", "--json-format", "--stdout", *sorted(notes(build))]
    answer = subprocess.run(program, cwd=build, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True)
    files = {}
    for document in filter(lambda line: line.startswith("{"), answer.stdout.splitlines()):
        for file in json.loads(document)["files"]:
            path = os.path.relpath(os.path.join(os.path.realpath(build), file["file"]), os.path.realpath(root))
            if path.startswith(("daemon/", "lib/")) and os.path.exists(os.path.join(root, path)):
                lines = files.setdefault(path, {})
                for line in file["lines"]:
                    lines[line["line_number"]] = max(lines.get(line["line_number"], 0), line["count"])
    return files


def percent(lines):
    return 100 * sum(times > 0 for times in lines) / len(lines)


def spans(numbers):
    """[1, 2, 3, 7] as "1-3, 7"."""
    parts = []
    for number in numbers:
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(str(first) if first == last else "%d-%d" % (first, last) for first, last in parts)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("root")
    parser.add_argument("--missed", action="append", default=[])
    parser.add_argument("--least", action="append", default=[])
    arguments = parser.parse_args()
    files = count(arguments.build, arguments.root)
    folders = {}
    for path, lines in sorted(files.items()):
        folders.setdefault(os.path.dirname(path), []).extend(lines.values())
        missed = spans(sorted(line for line, times in lines.items() if times == 0))
        if os.path.dirname(path) in arguments.missed and missed:
            print("%s: %s" % (path, missed))
    print("\n%-16s %7s %9s" % ("lines of", "", "reached"))
    for folder, lines in sorted(folders.items()):
        print("%-16s %7d %7.1f %%" % (folder, len(lines), percent(lines)))
    too_few = False
    for folder, least in (wanted.split("=") for wanted in arguments.least):
        if folder not in folders or percent(folders[folder]) < float(least):
            print("%s is below %s %%" % (folder, least))
            too_few = True
    return 1 if too_few or not folders else 0


if __name__ == "__main__":
    sys.exit(main())
