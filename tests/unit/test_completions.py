"""The shell completions and the manual page know every command and option of the hyperdrive command, and the completions no others; ids of
sweeps come from the daemon."""

import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "packaging" / "completions"
COMMAND = None  # path of the program; from the command line

# Asks the loaded completion for what may stand at the last word.
ASK_BASH = """
source "$0"
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_hyperdrive hyperdrive "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""

# Stands for the program where ids are asked for: it shows how it was called as if that were ids.
STAND_IN = """#!/bin/sh
case " $* " in *" devices "*)
  echo "DEVICE    NAME"
  echo "cpu       2 CPUs"
  echo "GPU-$1_$2  NVIDIA"
  exit 0
  ;;
esac
[ "$3" = list ] || [ "$1" = list ] || exit 1
echo "SWEEP     STATUS   NAME"
echo "HD_first  Running  HD_name"
echo "HD_at_$1_$2  Completed"
echo "2 sweeps shown; --limit N shows more"
"""


def run(*words, **options):
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, **options)


def program_help(*words):
    done = run(COMMAND, *words, "--help")
    assert done.returncode == 0, done.stderr
    return done.stdout


def commands():
    return [line.split()[0] for line in program_help().partition("Commands:\n")[2].partition("\n\n")[0].splitlines()]


def options(*command):
    return set(re.findall(r"(?m)^  (?:-.,|   )? *(--[a-z-]+)", program_help(*command).partition("Options:\n")[2].partition("\n\n")[0]))


class Completions(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="hd-")
        self.addCleanup(shutil.rmtree, self.folder)
        program = pathlib.Path(self.folder, "hyperdrive")
        program.write_text(STAND_IN, encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.environment = {**os.environ, "PATH": self.folder + os.pathsep + os.environ["PATH"], "HOME": self.folder, "LC_ALL": "C"}

    def bash(self, *words):
        done = run("bash", "--norc", "-c", ASK_BASH, str(FOLDER / "hyperdrive.bash"), "hyperdrive", *words, env=self.environment,
                   cwd=self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.split()

    def test_bash_commands(self):
        self.assertEqual(self.bash(""), commands())
        self.assertEqual(self.bash("--state-dir", "x", "--json", "ca"), ["cancel"])
        self.assertEqual(self.bash("--url", "=", "http://127.0.0.1:1", "wat"), ["watch"])
        self.assertEqual(self.bash("frob"), [])

    def test_bash_options(self):
        self.assertEqual(set(self.bash("--")), options())
        for command in commands():
            with self.subTest(command):
                self.assertEqual(set(self.bash(command, "--")), options(command))
        self.assertEqual(self.bash("list", "--status", "Ca"), ["CancelRequested", "Canceled"])
        self.assertEqual(self.bash("list", "--status", "=", "Comp"), ["Completed"])

    def test_bash_ids(self):
        for command in ("show", "watch", "best", "children", "hyperparameters", "metrics", "config", "logs", "events", "cancel", "retry", "replay", "set",
                        "delete"):
            with self.subTest(command):
                self.assertEqual(self.bash(command, ""), ["last", "HD_first", "HD_at_list_--limit"])
        self.assertEqual(self.bash("--state-dir", "DIR", "best", "HD_at"), ["HD_at_--state-dir_DIR"])
        self.assertEqual(self.bash("best", "--url", "=", "U", "HD_at"), ["HD_at_--url_U"])
        self.assertEqual(self.bash("set", "--max-total-runs", "3", "la"), ["last"])
        self.assertEqual(self.bash("best", "HD_first", ""), [])
        self.assertEqual(self.bash("replay", "-p", "median_stopping", "la"), ["last"])
        self.assertEqual(self.bash("children", "-n", ""), [])
        self.assertEqual(self.bash("list", ""), [])

    def test_bash_devices(self):
        self.assertEqual(self.bash("devices", ""), ["drain", "activate"])
        self.assertEqual(self.bash("devices", "drain", ""), ["cpu", "GPU-devices_"])
        self.assertEqual(self.bash("--state-dir", "DIR", "devices", "activate", "GPU"), ["GPU---state-dir_DIR"])
        self.assertEqual(self.bash("devices", "drain", "cpu", ""), [])

    def test_bash_files(self):
        pathlib.Path(self.folder, "sweep one.yaml").touch()
        self.assertIn("sweep one.yaml", " ".join(self.bash("validate", "sw")))
        os.mkdir(os.path.join(self.folder, "swamp"))
        self.assertEqual(self.bash("--state-dir", "sw"), ["swamp"])

    def test_zsh_and_fish_name_everything(self):
        for name, form in (("_hyperdrive", r"(?m)^ +'%s:"), ("hyperdrive.fish", r"-a %s -d ")):
            text = (FOLDER / name).read_text(encoding="utf-8")
            for command in commands():
                self.assertRegex(text, form % command, name)
        zsh = set(re.findall(r"--[a-z-]+", (FOLDER / "_hyperdrive").read_text(encoding="utf-8")))
        fish = {"--" + name for name in re.findall(r"(?m)^complete .* -l ([a-z-]+)", (FOLDER / "hyperdrive.fish").read_text(encoding="utf-8"))}
        expected = set().union(options(), *map(options, commands()))
        self.assertEqual(zsh, expected)
        self.assertEqual(fish, expected)

    def test_the_manual_names_everything(self):
        page = (ROOT / "packaging" / "man" / "hyperdrive.1").read_text(encoding="utf-8").replace("\\-", "-")
        sections = dict(re.findall(r"(?ms)^\.SH ([A-Z ]+)\n(.*?)(?=^\.SH |\Z)", page))
        described = dict(re.findall(r"(?ms)^\.TP\n\.BR ([a-z]+)(.*?)(?=^\.TP\n|\Z)", sections["COMMANDS"]))
        self.assertEqual(list(described), commands())
        shared = options()
        self.assertEqual(shared - set(re.findall(r"--[a-z-]+", sections["OPTIONS"])), set())
        of_scripts = {"--resume-from"}
        for command in commands():
            with self.subTest(command):
                self.assertEqual(set(re.findall(r"--[a-z-]+", described[command])) - shared - of_scripts, options(command) - shared)

    @unittest.skipUnless(shutil.which("fish"), "fish is not installed")
    def test_fish(self):
        def complete(line):
            done = run("fish", "--no-config", "-c", "source $argv[1]; complete -C $argv[2]", str(FOLDER / "hyperdrive.fish"), line,
                       env=self.environment, cwd=self.folder)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            return [word.split("\t")[0] for word in done.stdout.splitlines()]

        self.assertEqual(sorted(complete("hyperdrive ")), sorted(commands()))
        self.assertEqual(complete("hyperdrive best "), ["last", "HD_first", "HD_at_list_--limit"])
        self.assertEqual(complete("hyperdrive --state-dir DIR best HD_at"), ["HD_at_--state-dir_DIR"])
        self.assertEqual(sorted(complete("hyperdrive devices ")), ["activate", "drain"])
        self.assertEqual(sorted(complete("hyperdrive --state-dir DIR devices drain ")), ["GPU---state-dir_DIR", "cpu"])
        for command in commands():
            with self.subTest(command):
                self.assertEqual({word for word in complete("hyperdrive %s --" % command) if word.startswith("--")}, options(command))

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_zsh_reads_it(self):
        done = run("zsh", "-f", "-n", str(FOLDER / "_hyperdrive"), env=self.environment)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))


if __name__ == "__main__":
    COMMAND = sys.argv.pop(1)
    unittest.main(verbosity=2)
