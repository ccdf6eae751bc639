#include "arguments.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "core/number.h"

enum { RUNS_MAX = 1000000 }; /* of a sweep */

struct option_row {
    const char *name;
    char letter;       /* '\0': none */
    const char *value; /* name of its value; NULL: it has none */
    bool number;
    int64_t minimum, maximum;
    const char *help;
};

static const struct option_row rows[OPTION_COUNT] = {
    [OPTION_HELP] = {"help", 'h', NULL, false, 0, 0, "show this help and end"},
    [OPTION_VERSION] = {"version", 'V', NULL, false, 0, 0, "show the version and end"},
    [OPTION_STATE_DIR] = {"state-dir", '\0', "DIR", false, 0, 0, "find the daemon by its state folder (DIR/url and DIR/token)"},
    [OPTION_URL] = {"url", '\0', "URL", false, 0, 0,
                    "address of the daemon (http://..., http+unix://%2FPATH); the token is that of --state-dir, else HYPERDRIVE_TOKEN"},
    [OPTION_JSON] = {"json", '\0', NULL, false, 0, 0, "print the daemon's JSON, unchanged, instead of text for people"},
    [OPTION_WATCH] = {"watch", 'w', NULL, false, 0, 0, "stay and show the progress until the sweep ends"},
    [OPTION_STATUS] = {"status", '\0', "STATUS", false, 0, 0, "only sweeps with this status, as Running or Completed"},
    [OPTION_EXPERIMENT] = {"experiment", '\0', "NAME", false, 0, 0, "only sweeps of this experiment"},
    [OPTION_LIMIT] = {"limit", 'n', "N", true, 1, 1000, "show at most N (default 20)"},
    [OPTION_TOP] = {"top", 'n', "N", true, 0, HD_INTEGER_MAX, "show the first N children; 0 for all (default 20; with --json all)"},
    [OPTION_REVERSE] = {"reverse", 'r', NULL, false, 0, 0, "worst first"},
    [OPTION_DISCARD_NO_METRIC] = {"discard-no-metric", '\0', NULL, false, 0, 0,
                                  "leave out children that have not reported the primary metric"},
    [OPTION_NO_FAILED] = {"no-failed", '\0', NULL, false, 0, 0, "leave out children that Failed"},
    [OPTION_NO_CANCELED] = {"no-canceled", '\0', NULL, false, 0, 0, "leave out children that were Canceled"},
    [OPTION_NO_INHERITED] = {"no-inherited", '\0', NULL, false, 0, 0, "leave out the sweeps of resume_from"},
    [OPTION_FOLLOW] = {"follow", 'f', NULL, false, 0, 0, "go on printing what is added until the run, or sweep, has ended"},
    [OPTION_STEP] = {"step", 's', "N", true, -HD_INTEGER_MAX, HD_INTEGER_MAX, "step, as the epoch, that the values belong to"},
    [OPTION_RETRY] = {"retry", '\0', "SECONDS", true, 0, 86400, "how long to try when the daemon does not answer (default 30)"},
    [OPTION_NUMBER] = {"number", 'n', "N", true, 1, RUNS_MAX, "show the first N configurations (default 10)"},
    [OPTION_MAX_TOTAL_RUNS] = {"max-total-runs", '\0', "N", true, 1, RUNS_MAX, "how many runs the sweep may have in all"},
    [OPTION_MAX_CONCURRENT_RUNS] = {"max-concurrent-runs", '\0', "N", true, 0, RUNS_MAX,
                                    "how many may run at once; 0 for as many as there are slots"},
    [OPTION_MIN_FREE] = {"min-free", '\0', "MIB", true, 0, INT64_C(1) << 30, "MiB that should be free in the state folder (default 1024)"},
    [OPTION_ROLE] = {"role", '\0', "ROLE", false, 0, 0, "what the token may do: read, submit or admin"},
    [OPTION_REPLACE] = {"replace", '\0', NULL, false, 0, 0, "put the new backup in the place of an earlier one"},
    [OPTION_CANCELED] = {"canceled", '\0', NULL, false, 0, 0, "also what was cancelled by a user or a limit"},
    [OPTION_POLICY] = {"policy", 'p', "POLICY", false, 0, 0, "TYPE,NAME=VALUE,... or the JSON object of a sweep file"},
    [OPTION_YES] = {"yes", 'y', NULL, false, 0, 0, "do not ask"},
};

/* What getopt_long needs, made of the rows: letters, and for long names the values 256 and above. */
struct getopt_lists {
    char letters[2 * OPTION_COUNT + 3];
    struct option names[OPTION_COUNT + 1];
};

static void make_lists(struct getopt_lists *lists, uint32_t allowed, bool permute)
{
    size_t letters = 0, names = 0;

    memset(lists, 0, sizeof(*lists));
    if (!permute) {
        lists->letters[letters++] = '+';
    }
    lists->letters[letters++] = ':';
    for (int i = 0; i < OPTION_COUNT; i++) {
        if ((allowed & OPTION_BIT(i)) == 0) {
            continue;
        }
        lists->names[names++] = (struct option){rows[i].name, rows[i].value != NULL ? required_argument : no_argument, NULL, 256 + i};
        if (rows[i].letter != '\0') {
            lists->letters[letters++] = rows[i].letter;
            if (rows[i].value != NULL) {
                lists->letters[letters++] = ':';
            }
        }
    }
}

static int find_row(int found, uint32_t allowed)
{
    if (found >= 256) {
        return found - 256;
    }
    for (int i = 0; i < OPTION_COUNT; i++) {
        if ((allowed & OPTION_BIT(i)) != 0 && rows[i].letter == found) {
            return i;
        }
    }
    return -1;
}

static int take_option(struct arguments *arguments, int index, const char *value, struct hd_error *error)
{
    const struct option_row *row = &rows[index];
    char *end = NULL;

    arguments->value[index] = value != NULL ? value : "";
    if (!row->number) {
        return 0;
    }
    errno = 0;
    arguments->number[index] = strtoll(arguments->value[index], &end, 10);
    if (errno != 0 || end == arguments->value[index] || *end != '\0' || arguments->number[index] < row->minimum ||
        arguments->number[index] > row->maximum) {
        return hd_error_set(error, HD_INVALID, "--%s must be an integer from %lld to %lld, got '%.80s'", row->name, (long long)row->minimum,
                            (long long)row->maximum, value);
    }
    return 0;
}

int arguments_read(struct arguments *arguments, int argc, char **argv, uint32_t allowed, bool permute, struct hd_error *error)
{
    struct getopt_lists lists;
    int found, result = 0;

    make_lists(&lists, allowed, permute);
    opterr = 0;
    optind = 0; /* begins anew, in glibc and musl alike */
    while (result == 0 && (found = getopt_long(argc, argv, lists.letters, lists.names, NULL)) != -1) {
        int index = found == '?' || found == ':' ? -1 : find_row(found, allowed);

        if (found == ':') {
            result = hd_error_set(error, HD_INVALID, "the option %.80s needs a value", argv[optind - 1]);
        } else if (index < 0 && optopt != 0 && optopt < 256) {
            result = hd_error_set(error, HD_INVALID, "there is no option -%c", optopt);
        } else if (index < 0) {
            result = hd_error_set(error, HD_INVALID, "the option %.80s is not known here, not clear, or takes no value", argv[optind - 1]);
        } else {
            result = take_option(arguments, index, optarg, error);
        }
    }
    arguments->operands = argv + optind;
    arguments->operand_count = argc - optind;
    return result;
}

void arguments_explain(FILE *out, uint32_t shown)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        char left[64];

        if ((shown & OPTION_BIT(i)) == 0) {
            continue;
        }
        snprintf(left, sizeof(left), "%c%c%s --%s%s%s", rows[i].letter != '\0' ? '-' : ' ', rows[i].letter != '\0' ? rows[i].letter : ' ',
                 rows[i].letter != '\0' ? "," : " ", rows[i].name, rows[i].value != NULL ? " " : "",
                 rows[i].value != NULL ? rows[i].value : "");
        fprintf(out, "  %-26s %s\n", left, rows[i].help);
    }
}
