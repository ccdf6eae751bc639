/* `hyperdrive`: the command line of hyperdrived. */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

static const struct command commands[] = {
    {"submit", "FILE", "submit a sweep from a file of JSON or YAML, and print its id",
     "FILE (- for standard input) has the fields of a sweep. A relative run_config.source_directory is taken from the file's folder.\n"
     "\nExamples:\n  hyperdrive submit sweep.yaml\n  hyperdrive submit --watch sweep.yaml\n  id=$(hyperdrive submit sweep.json)\n",
     OPTION_BIT(OPTION_WATCH), 1, 1, command_submit},
    {"validate", "FILE", "check a sweep file, without a daemon",
     "FILE may be - for standard input. Prints every fault with its path, and warnings; ends with 2 if there is a fault. Paths in the "
     "file\n"
     "are looked up on this machine. What the settings of a daemon limit, as the size of source_directory, is not checked.\n"
     "\nExamples:\n  hyperdrive validate sweep.yaml\n  hyperdrive validate --json - < sweep.json | jq .errors\n",
     0, 1, 1, command_validate},
    {"sample", "FILE", "show the first configurations that a sweep would draw, without running them",
     "They are those of the sweep, in its order, when the file gives a seed (and with grid sampling). Needs no daemon.\n"
     "\nExamples:\n  hyperdrive sample sweep.yaml\n  hyperdrive sample -n 3 --json sweep.yaml | jq .configurations\n",
     OPTION_BIT(OPTION_NUMBER), 1, 1, command_sample},
    {"list", "", "list the sweeps, newest first",
     "\nExamples:\n  hyperdrive list\n  hyperdrive list --status Running\n  hyperdrive list --experiment digits --limit 100\n",
     OPTION_BIT(OPTION_STATUS) | OPTION_BIT(OPTION_EXPERIMENT) | OPTION_BIT(OPTION_LIMIT), 0, 0, command_list},
    {"show", "[SWEEP|RUN]", "show all about a sweep, or about one run",
     "\nExamples:\n  hyperdrive show\n  hyperdrive show RUN\n  hyperdrive show --json SWEEP\n", 0, 0, 1, command_show},
    {"watch", "[SWEEP]", "show the progress of a sweep until it ends",
     "On a terminal the display is redrawn in place; elsewhere a line is printed when something changed. A restart of the daemon is "
     "waited\n"
     "for. With --json the sweep is printed, one line of JSON, whenever it changed. Ends with 1 if the sweep did not end Completed.\n"
     "\nExamples:\n  hyperdrive watch\n  hyperdrive watch SWEEP && hyperdrive best SWEEP\n",
     0, 0, 1, command_watch},
    {"best", "[SWEEP]", "show the best run by the primary metric, with its hyperparameters",
     "Ends with 3 if no child has the primary metric yet.\n"
     "\nExamples:\n  hyperdrive best\n  hyperdrive best --no-failed --no-canceled SWEEP\n  hyperdrive best --json SWEEP | jq -r "
     ".run.run_id\n",
     OPTION_BIT(OPTION_NO_FAILED) | OPTION_BIT(OPTION_NO_CANCELED) | OPTION_BIT(OPTION_NO_INHERITED), 0, 1, command_best},
    {"children", "[SWEEP]", "list the children of a sweep, sorted by the primary metric, best first",
     "\nExamples:\n  hyperdrive children\n  hyperdrive children --top 5 --reverse SWEEP\n  hyperdrive children --discard-no-metric --json "
     "SWEEP\n",
     OPTION_BIT(OPTION_TOP) | OPTION_BIT(OPTION_REVERSE) | OPTION_BIT(OPTION_DISCARD_NO_METRIC), 0, 1, command_children},
    {"hyperparameters", "[SWEEP]", "list the hyperparameters of all children",
     "\nExamples:\n  hyperdrive hyperparameters SWEEP\n  hyperdrive hyperparameters --json SWEEP | jq .hyperparameters\n", 0, 0, 1,
     command_hyperparameters},
    {"metrics", "[SWEEP|RUN]", "list the metrics that were reported",
     "\nExamples:\n  hyperdrive metrics RUN\n  hyperdrive metrics --json SWEEP | jq .metrics\n", 0, 0, 1, command_metrics},
    {"config", "[SWEEP]", "print the configuration of a sweep, with every default filled in",
     "What it prints can be submitted again.\n\nExamples:\n  hyperdrive config SWEEP > again.json && hyperdrive submit again.json\n", 0, 0,
     1, command_config},
    {"logs", "SWEEP|RUN [NAME]", "print a log of a run (its output, unless NAME is given), or the log of a sweep",
     "With --json the names of the logs of a run are printed, and not a log.\n"
     "\nExamples:\n  hyperdrive logs RUN\n  hyperdrive logs -f RUN\n  hyperdrive logs SWEEP\n  hyperdrive logs RUN user_logs/std_log.txt\n",
     OPTION_BIT(OPTION_FOLLOW), 1, 2, command_logs},
    {"events", "[SWEEP]", "print what happened to all sweeps, or to one, a line for each event",
     "With -f it goes on, over restarts of the daemon too: with a SWEEP until that has ended, without one from now on. With --json each\n"
     "event is a line of JSON, and there are the metrics of running children too.\n"
     "\nExamples:\n  hyperdrive events SWEEP\n  hyperdrive events -f\n  hyperdrive events -f --json SWEEP | jq .data.message\n",
     OPTION_BIT(OPTION_FOLLOW), 0, 1, command_events},
    {"cancel", "SWEEP|RUN", "cancel a sweep with all its children, or one run",
     "Ends with 4 if it had ended already.\n\nExamples:\n  hyperdrive cancel SWEEP\n  hyperdrive cancel RUN\n", 0, 1, 1, command_cancel},
    {"retry", "SWEEP|RUN...", "run what failed again, as a new sweep",
     "The Failed children of SWEEP, or the Failed RUNs that are named, are the children of a new sweep: with the same configuration (its\n"
     "source_directory as it is now) and the same hyperparameters. A script finds the old outputs behind --resume-from, a command in\n"
     "AZUREML_DATAREFERENCE_MODEL_LOCATION. The new sweep has the tag retry_of; its id is printed. Ends with 3 if there is nothing to "
     "retry.\n"
     "\nExamples:\n  hyperdrive retry SWEEP\n  hyperdrive retry --canceled --watch SWEEP\n  hyperdrive retry RUN RUN\n",
     OPTION_BIT(OPTION_WATCH) | OPTION_BIT(OPTION_CANCELED), 1, -1, command_retry},
    {"replay", "[SWEEP]", "tell what another policy would have made of a sweep that has ended",
     "The recorded curves are judged once more, each child's up to its stop: how many reports and how much run time would have been "
     "saved,\n"
     "which children would have been stopped and why, and whether the winner would have been lost. That an earlier stop lets other\n"
     "children start earlier is not played. Ends with 4 if the sweep has not ended.\n"
     "\nExamples:\n  hyperdrive replay --policy bandit,slack_factor=0.1,delay_evaluation=5 SWEEP\n  hyperdrive replay -p median_stopping\n"
     "  hyperdrive replay --json -p '{\"type\": \"truncation_selection\", \"truncation_percentage\": 20}' SWEEP\n",
     OPTION_BIT(OPTION_POLICY), 0, 1, command_replay},
    {"set", "SWEEP", "change the limits of a sweep that has not ended",
     "At least one limit must be given. Ends with 4 if the sweep has ended, or has more runs already.\n"
     "\nExamples:\n  hyperdrive set --max-total-runs 200 SWEEP\n  hyperdrive set --max-concurrent-runs 2 SWEEP\n",
     OPTION_BIT(OPTION_MAX_TOTAL_RUNS) | OPTION_BIT(OPTION_MAX_CONCURRENT_RUNS), 1, 1, command_set},
    {"delete", "SWEEP", "delete a sweep that has ended, with all its runs and their files",
     "On a terminal it asks first. Ends with 4 if the sweep has not ended; cancel it before.\n"
     "\nExamples:\n  hyperdrive delete SWEEP\n  hyperdrive delete --yes SWEEP\n",
     OPTION_BIT(OPTION_YES), 1, 1, command_delete},
    {"devices", "[drain|activate DEVICE]", "show slots, CPUs and GPUs, and which runs have them; drain a device, or put it back",
     "A drained device gets no new run; the one that has it goes on. It stays drained, across restarts too, until it is activated. The\n"
     "device cpu are all CPUs: while it is drained no run starts at all.\n"
     "\nExamples:\n  hyperdrive devices\n  hyperdrive devices drain DEVICE\n  hyperdrive devices --json | jq -r '.devices[].id'\n",
     0, 0, 2, command_devices},
    {"token", "create NAME|list|revoke NAME", "make a token for somebody else, list the tokens, or revoke one",
     "A token with the role read may look at everything; with submit also submit, change and end sweeps, and so run programs as the "
     "daemon's\n"
     "user; with admin do everything. It is shown once, when it is made. A revoked token is good for nothing from then on. Needs the\n"
     "owner's token, or one with the role admin.\n"
     "\nExamples:\n  hyperdrive token create ci --role submit\n  hyperdrive token list\n  hyperdrive token revoke ci\n"
     "  HYPERDRIVE_URL=http://127.0.0.1:8700 HYPERDRIVE_TOKEN=t.ci.0123... hyperdrive list\n",
     OPTION_BIT(OPTION_ROLE), 1, 2, command_token},
    {"audit", "", "show who asked for which change, newest first",
     "One line for each request that may have changed something, but none for the reports of runs: when, whose token, from where, the\n"
     "status of the answer (- if the daemon ended before it), and what. Needs the owner's token, or one with the role admin.\n"
     "\nExamples:\n  hyperdrive audit\n  hyperdrive audit --limit 200\n  hyperdrive audit --json | jq '.entries[] | select(.who == \"token "
     "ci\")'\n",
     OPTION_BIT(OPTION_LIMIT), 0, 0, command_audit},
    {"backup", "FILE", "copy the daemon's database into a file, while it works",
     "FILE gets its name when the copy is whole and on the disk, and nobody else may read it. What is there already is left alone; with\n"
     "--replace an earlier backup gives its place to the new one. It has sweeps, runs, metrics and events; logs, outputs and sources are\n"
     "files in the daemon's state folder. To restore it: stop the daemon, put FILE in the place of hyperdrive.db in the state folder, "
     "remove\n"
     "hyperdrive.db-wal and hyperdrive.db-shm there, and start the daemon.\n"
     "\nExamples:\n  hyperdrive backup hyperdrive-$(date +%F).db\n  hyperdrive backup --replace /backup/hyperdrive.db\n",
     OPTION_BIT(OPTION_REPLACE), 1, 1, command_backup},
    {"doctor", "", "look at an installation and say what is wrong, and what would be right",
     "One line for each check: ok, warning, fault, or unknown for a check that cannot be made here. Ends with 1 if there is a fault.\n"
     "It looks for the daemon as every command does; the state folder, the daemon's limits and its processes only on its own machine.\n"
     "\nExamples:\n  hyperdrive doctor\n  hyperdrive doctor --min-free 10240\n  hyperdrive doctor --json | jq '.checks[] | "
     "select(.result == \"fault\")'\n",
     OPTION_BIT(OPTION_MIN_FREE), 0, 0, command_doctor},
    {"report", "NAME=VALUE...", "report metrics of the run that this is called in",
     "For scripts that run as children: the daemon, the run and its token come from the environment. A VALUE is a number, true, false, "
     "NaN,\n"
     "Infinity or -Infinity; anything else is stored as text. All values are stored, or none, and never twice. If the run is to be\n"
     "stopped a line on stderr says so.\n\n"
     "When the daemon stays away the report is kept in the run's folder, which is a success, and a line on stderr says so: the next\n"
     "call that reaches the daemon sends it first, and at the end of the run the daemon takes it in.\n"
     "\nExamples:\n  hyperdrive report accuracy=0.93\n  hyperdrive report --step \"$epoch\" loss=0.31 accuracy=0.93\n",
     OPTION_BIT(OPTION_STEP) | OPTION_BIT(OPTION_RETRY), 1, -1, command_report},
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static void print_program_help(FILE *out)
{
    fputs("Usage: hyperdrive [OPTION...] COMMAND [ARGUMENT...]\n\nRuns hyperparameter sweeps on a hyperdrived daemon.\n\nCommands:\n", out);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        fprintf(out, "  %-16s %s\n", commands[i].name, commands[i].summary);
    }
    fputs("\nOptions:\n", out);
    arguments_explain(out, OPTIONS_COMMON | OPTION_BIT(OPTION_VERSION));
    fputs("\nA SWEEP is the id that submit prints; `last`, or none where it is optional, is the newest sweep. A RUN is the id of a child.\n"
          "The daemon is found by --url or --state-dir, then by HYPERDRIVE_URL and HYPERDRIVE_TOKEN, then in $XDG_STATE_HOME/hyperdrive\n"
          "(~/.local/state/hyperdrive) and /var/lib/hyperdrive.\n"
          "\nExit codes: 0 ok, 1 the sweep did not end Completed (doctor: a fault), 2 usage or invalid input, 3 not found, 4 conflict, 5 "
          "refused,\n"
          "6 no connection.\n"
          "\nExamples:\n  hyperdrive submit --watch sweep.yaml\n  hyperdrive best\n  hyperdrive children --top 5\n\n"
          "hyperdrive COMMAND --help tells more about a command.\n",
          out);
}

static void print_usage(FILE *out, const struct command *command)
{
    fprintf(out, "Usage: hyperdrive %s [OPTION...]%s%s\n", command->name, command->operands[0] != '\0' ? " " : "", command->operands);
}

static void print_command_help(FILE *out, const struct command *command)
{
    const char *examples = strstr(command->help, "\nExamples:");
    int prose = examples != NULL ? (int)(examples - command->help) : (int)strlen(command->help);

    print_usage(out, command);
    fprintf(out, "\n%s: %s.\n%.*s\nOptions:\n", command->name, command->summary, prose, command->help);
    arguments_explain(out, OPTIONS_COMMON | command->options);
    fputs(examples != NULL ? examples : "", out);
}

static int usage_fault(const struct command *command, const struct hd_error *error)
{
    say("%s", error->message);
    if (command != NULL) {
        print_usage(stderr, command);
    }
    fprintf(stderr, "hyperdrive%s%s --help tells more.\n", command != NULL ? " " : "", command != NULL ? command->name : "");
    return EXIT_USAGE;
}

static int check_operands(const struct command *command, const struct arguments *arguments, struct hd_error *error)
{
    if (arguments->operand_count < command->least) {
        return hd_error_set(error, HD_INVALID, "%s needs %s", command->name, command->operands);
    }
    if (command->most >= 0 && arguments->operand_count > command->most) {
        return hd_error_set(error, HD_INVALID, "%s does not take '%.80s'", command->name, arguments->operands[command->most]);
    }
    return 0;
}

/* What was printed must have arrived: a full disk is not success. */
static int check_output(const struct client *client, int code)
{
    if (fflush(client->output.file) != 0 || ferror(client->output.file)) {
        say("cannot write the output: %s", strerror(errno));
        return code == EXIT_OK ? EXIT_REFUSED : code;
    }
    return code;
}

static int run_command(struct client *client)
{
    struct hd_error error = {0};
    int code = client->command->run(client, &error);

    if (code < 0) {
        fflush(client->output.file);
        code = client_fail(client, &error);
    }
    code = check_output(client, code);
    rest_close(client->rest);
    hd_text_clear(&client->source);
    return code;
}

static int read_command(struct client *client, struct hd_error *error)
{
    int count = client->arguments.operand_count;
    char **words = client->arguments.operands;
    int result = arguments_read(&client->arguments, count, words, OPTIONS_COMMON | client->command->options, true, error);

    if (result == 0 && client->arguments.value[OPTION_HELP] == NULL) {
        result = check_operands(client->command, &client->arguments, error);
    }
    return result;
}

int main(int argc, char **argv)
{
    struct client client = {0};
    struct hd_error error = {0};

    setlocale(LC_CTYPE, "");
    output_open(&client.output, stdout);
    if (arguments_read(&client.arguments, argc, argv, OPTIONS_COMMON | OPTION_BIT(OPTION_VERSION), false, &error) < 0) {
        return usage_fault(NULL, &error);
    }
    if (client.arguments.value[OPTION_VERSION] != NULL) {
        printf("hyperdrive %s\n", HD_VERSION);
        return check_output(&client, EXIT_OK);
    }
    if (client.arguments.operand_count == 0) {
        bool asked = client.arguments.value[OPTION_HELP] != NULL;

        print_program_help(asked ? stdout : stderr);
        return asked ? check_output(&client, EXIT_OK) : EXIT_USAGE;
    }
    client.command = find_command(client.arguments.operands[0]);
    if (client.command == NULL) {
        hd_error_set(&error, HD_INVALID, "there is no command '%.80s'", client.arguments.operands[0]);
        return usage_fault(NULL, &error);
    }
    if (read_command(&client, &error) < 0) {
        return usage_fault(client.command, &error);
    }
    if (client.arguments.value[OPTION_HELP] != NULL) {
        print_command_help(stdout, client.command);
        return check_output(&client, EXIT_OK);
    }
    return run_command(&client);
}
