"""The units of systemd: it understands them, the system's is closed well enough, and what is left open says why."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE, HYPERDRIVED = map(os.path.abspath, sys.argv[1:3])  # packaging/systemd, the daemon of the build
MOST_EXPOSED = 40  # tenths


class Units(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="hd-")
        self.addCleanup(shutil.rmtree, self.folder)

    def unit(self, source, name):
        """A unit as it is installed, with the daemon of the build."""
        with open(os.path.join(SOURCE, source), encoding="utf-8") as file:
            text = file.read().replace("@sbindir@", os.path.dirname(HYPERDRIVED))
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path, text

    def analyze(self, *arguments):
        done = subprocess.run(["systemd-analyze", "--no-pager", *arguments], capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, "XDG_RUNTIME_DIR": self.folder})  # which a user's manager has
        return done.returncode, done.stdout, done.stderr

    def test_are_understood(self):
        service, _ = self.unit("hyperdrived.service.in", "hyperdrived.service")
        socket, _ = self.unit("hyperdrived.socket", "hyperdrived.socket")
        self.assertEqual(self.analyze("verify", "--man=no", "--recursive-errors=no", service, socket), (0, "", ""))
        user, _ = self.unit("hyperdrived.user.service.in", "hyperdrived.service")
        self.assertEqual(self.analyze("verify", "--user", "--man=no", "--recursive-errors=no", user), (0, "", ""))

    def test_exposure(self):
        service, text = self.unit("hyperdrived.service.in", "hyperdrived.service")
        code, said, _ = self.analyze("security", "--offline=true", "--threshold=%d" % (MOST_EXPOSED - 1), "--json=short", service)
        self.assertEqual(code, 0, said)
        checks = json.loads(said)
        self.assertGreater(len(checks), 50)
        told = [line for line in text.splitlines() if "=" in line]
        for check in checks:
            if check["set"]:
                continue
            # "SystemCallFilter=~@debug", "RestrictNamespaces=~user", "RootDirectory=/RootImage=": each has a line of the unit.
            name, _, value = check["name"].partition("=")
            lines = [line for line in told if line.lstrip("#").startswith(name + "=")]
            self.assertTrue(lines, check)
            if name == "SystemCallFilter":
                self.assertTrue(any(line.startswith("#") and value.lstrip("~") in line for line in lines), check)


if __name__ == "__main__":
    if shutil.which("systemd-analyze") is None:
        print("skipped: systemd-analyze is not there")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
