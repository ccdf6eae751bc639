"""Writes the numbered migrations as a C table: embed.py OUTPUT.c 001-a.sql 002-b.sql ..."""
import sys


def literal(text):
    lines = (line.replace("\\", "\\\\").replace('"', '\\"') for line in text.splitlines())
    return "\n".join('    "%s\\n"' % line for line in lines)


def main():
    with open(sys.argv[1], "w", encoding="utf-8") as output:
        output.write('#include "store/migration.h"\n\nconst char *const store_migrations[] = {\n')
        for path in sorted(sys.argv[2:]):
            with open(path, encoding="utf-8") as source:
                output.write(literal(source.read()) + ",\n")
        output.write("};\nconst int store_migration_count = %d;\n" % len(sys.argv[2:]))


if __name__ == "__main__":
    main()
