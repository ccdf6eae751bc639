/* `hyperdrive replay`: what another policy would have made of a sweep that has ended. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/number.h"
#include "core/status.h"
#include "policy_text.h"
#include "replay_curves.h"

struct what_if {
    struct client *client;
    struct rest_answer sweep;
    const char *metric;
    cJSON *policy; /* as it was given */
    struct hd_policy_rule rule;
    struct replay_curves curves;
    struct hd_replay replay;
};

static const char *sweep_id(const struct what_if *what_if)
{
    return member_text(what_if->sweep.json, "run_id", "");
}

/* --- Reading ----------------------------------------------------------------------------------------------------------------------------
 */

static int read_sweep(struct what_if *what_if, struct hd_error *error)
{
    struct client *client = what_if->client;
    const char *status;
    char *id = NULL;
    bool is_run = false;
    int result = client_id(client, 0, &id, error);

    if (result == 0) {
        result = client_find(client, id, &is_run, &what_if->sweep, error);
    }
    if (result == 0 && is_run) {
        result = hd_error_set(error, HD_INVALID, "%s is a run: name its sweep", id);
    }
    free(id);
    if (result != 0) {
        return result;
    }
    status = member_text(what_if->sweep.json, "status", "");
    what_if->metric = member_text(member(what_if->sweep.json, "config"), "primary_metric_name", NULL);
    if (member_text(what_if->sweep.json, "end_utc", NULL) == NULL) {
        return hd_error_set(error, HD_CONFLICT, "sweep %s has not ended (%s): its curves are still being recorded", sweep_id(what_if),
                            status);
    }
    if (what_if->metric == NULL) {
        return hd_error_set(error, HD_INVALID, "sweep %s has no primary metric that a policy could look at", sweep_id(what_if));
    }
    return 0;
}

/* False after saying what is wrong with it. */
static bool read_policy(struct what_if *what_if)
{
    const char *goal = member_text(member(what_if->sweep.json, "config"), "primary_metric_goal", "");
    const char *text = what_if->client->arguments.value[OPTION_POLICY];
    struct hd_problems errors = {0}, warnings = {0};
    bool right;

    what_if->policy = policy_text_read(text, &errors);
    right = what_if->policy != NULL && hd_policy_rule_parse(what_if->policy, hd_goal_parse(goal), &errors, &warnings, &what_if->rule) == 0;
    say_problems(&errors, NULL);
    if (errors.out_of_memory) {
        say("memory is short");
    }
    hd_problems_clear(&errors);
    hd_problems_clear(&warnings);
    return right;
}

/* --- For people -------------------------------------------------------------------------------------------------------------------------
 */

static double percent(int64_t part, int64_t whole)
{
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

static void print_share(const struct output *output, const char *name, const char *part, const char *whole, double share)
{
    struct hd_text text = {0};

    hd_text_format(&text, "%s of %s would have been saved (%.1f %%)", part, whole, share);
    output_field(output, name, text.data);
    hd_text_clear(&text);
}

static void print_saved(const struct what_if *what_if)
{
    const struct hd_replay *replay = &what_if->replay;
    struct hd_text saved = {0}, run = {0};
    char part[24], whole[24];

    snprintf(part, sizeof(part), "%" PRId64, replay->saved_reports);
    snprintf(whole, sizeof(whole), "%" PRId64, replay->reports);
    print_share(&what_if->client->output, "reports", part, whole, percent(replay->saved_reports, replay->reports));
    text_duration(&saved, (double)replay->saved_us / 1e6);
    text_duration(&run, (double)replay->run_us / 1e6);
    print_share(&what_if->client->output, "run time", saved.data != NULL ? saved.data : "", run.data != NULL ? run.data : "",
                percent(replay->saved_us, replay->run_us));
    hd_text_clear(&saved);
    hd_text_clear(&run);
}

static void add_winner(struct hd_text *text, const struct what_if *what_if, const struct hd_winner *winner)
{
    char number[HD_NUMBER_TEXT_SIZE];

    if (winner->curve < 0) {
        hd_text_add_string(text, "none");
        return;
    }
    hd_number_json(winner->best, number);
    hd_text_format(text, "%s with %s", what_if->curves.ids[winner->curve], number);
}

static void print_winner(const struct what_if *what_if)
{
    const struct hd_replay *replay = &what_if->replay;
    struct hd_text text = {0};

    add_winner(&text, what_if, &replay->recorded);
    if (replay->lost) {
        hd_text_format(&text, " would have been lost at its report %" PRId64 "; the best would have been ",
                       replay->curves[replay->recorded.curve].decision.interval);
        add_winner(&text, what_if, &replay->replayed);
    } else if (replay->recorded.curve >= 0) {
        hd_text_add_string(&text, " would have won as well");
    }
    output_field(&what_if->client->output, "winner", text.data);
    hd_text_clear(&text);
}

static bool print_stopped(const struct what_if *what_if)
{
    static const struct table_column columns[] = {
        {"RUN", false, true}, {"REPORT", true, false}, {"OF", true, false}, {"SAVED", true, false}, {"WHY", false, false}};
    const struct output *output = &what_if->client->output;
    struct table table;

    table_open(&table, output->file, output->width, output->colour, columns, 5);
    for (int64_t i = 0; i < what_if->curves.count; i++) {
        const struct hd_replayed *replayed = &what_if->replay.curves[i];
        struct hd_text saved = {0}, why = {0};

        if (!replayed->decision.stop) {
            continue;
        }
        text_duration(&saved, (double)replayed->saved_us / 1e6);
        hd_decision_sentence(&why, &replayed->decision, what_if->metric);
        table_add(&table, TABLE_PLAIN, what_if->curves.ids[i]);
        table_format(&table, TABLE_PLAIN, "%" PRId64, replayed->decision.interval);
        table_format(&table, TABLE_PLAIN, "%" PRId64, what_if->curves.list[i].count);
        table_add(&table, TABLE_PLAIN, saved.data);
        table_add(&table, TABLE_PLAIN, why.data);
        table.failed = table.failed || saved.failed || why.failed;
        hd_text_clear(&saved);
        hd_text_clear(&why);
    }
    table.headed = what_if->replay.stopped == 0; /* no head without rows */
    return table_close(&table);
}

static void print_earlier(const struct what_if *what_if)
{
    const struct replay_curves *curves = &what_if->curves;
    struct hd_text text = {0};

    if (curves->count > curves->children) {
        hd_text_format(&text, "compared with %" PRId64 " run%s of earlier sweeps, too", curves->count - curves->children,
                       curves->count - curves->children == 1 ? "" : "s");
        output_field(&what_if->client->output, "resumed from", text.data);
    }
    hd_text_clear(&text);
    if (curves->gone > 0) {
        hd_text_format(&text, "%" PRId64 " of the sweeps that it was resumed from %s deleted, and %s not compared with", curves->gone,
                       curves->gone == 1 ? "was" : "were", curves->gone == 1 ? "is" : "are");
        output_field(&what_if->client->output, "note", text.data);
    }
    hd_text_clear(&text);
}

static bool print_text(const struct what_if *what_if)
{
    const struct output *output = &what_if->client->output;
    struct hd_text text = {0};

    output_field(output, "sweep", sweep_id(what_if));
    text_value(&text, what_if->policy, 17);
    output_field(output, "policy", text.data);
    hd_text_clear(&text);
    hd_text_format(&text, "%" PRId64 " of %" PRId64 " child%s", what_if->replay.stopped, what_if->curves.children,
                   what_if->curves.children == 1 ? "" : "ren");
    output_field(output, "stopped", text.data);
    hd_text_clear(&text);
    print_saved(what_if);
    print_winner(what_if);
    print_earlier(what_if);
    if (what_if->curves.cut_short > 0) {
        hd_text_format(&text, "%" PRId64 " of the curves %s not known", what_if->curves.cut_short,
                       what_if->curves.cut_short == 1 ? "ends early, as its child was stopped: how it went on is"
                                                      : "end early, as their children were stopped: how they went on is");
        output_field(output, "note", text.data);
        hd_text_clear(&text);
    }
    if (what_if->replay.stopped > 0) {
        fputc('\n', output->file);
    }
    return print_stopped(what_if);
}

/* --- For programs -----------------------------------------------------------------------------------------------------------------------
 */

static void json_winner(struct hd_text *text, const struct what_if *what_if, const char *name, const struct hd_winner *winner)
{
    char number[HD_NUMBER_TEXT_SIZE];

    hd_text_format(text, ",\"%s\":", name);
    if (winner->curve < 0) {
        hd_text_add_string(text, "null");
        return;
    }
    hd_number_json(winner->best, number);
    hd_text_add_string(text, "{\"run_id\":");
    hd_json_print_string(text, what_if->curves.ids[winner->curve]);
    hd_text_format(text, ",\"best_primary_metric\":%s}", number);
}

static void json_stopped(struct hd_text *text, const struct what_if *what_if)
{
    const char *before = "";

    hd_text_add_string(text, ",\"stopped\":[");
    for (int64_t i = 0; i < what_if->curves.count; i++) {
        const struct hd_replayed *replayed = &what_if->replay.curves[i];
        struct hd_text why = {0};

        if (!replayed->decision.stop) {
            continue;
        }
        hd_decision_sentence(&why, &replayed->decision, what_if->metric);
        hd_text_format(text, "%s{\"run_id\":", before);
        hd_json_print_string(text, what_if->curves.ids[i]);
        hd_text_format(text, ",\"interval\":%" PRId64 ",\"saved_reports\":%" PRId64 ",\"saved_seconds\":%.6f,\"message\":",
                       replayed->decision.interval, replayed->saved_reports, (double)replayed->saved_us / 1e6);
        hd_json_print_string(text, why.data != NULL ? why.data : "");
        hd_text_add_char(text, '}');
        text->failed |= why.failed;
        hd_text_clear(&why);
        before = ",";
    }
    hd_text_add_char(text, ']');
}

static bool print_json(const struct what_if *what_if)
{
    const struct hd_replay *replay = &what_if->replay;
    struct hd_text text = {0};
    bool whole;

    hd_text_add_string(&text, "{\"sweep_id\":");
    hd_json_print_string(&text, sweep_id(what_if));
    hd_text_add_string(&text, ",\"policy\":");
    hd_json_print(&text, what_if->policy, HD_JSON_COMPACT);
    hd_text_format(&text, ",\"children\":%" PRId64 ",\"inherited\":%" PRId64 ",\"cut_short\":%" PRId64, what_if->curves.children,
                   what_if->curves.count - what_if->curves.children, what_if->curves.cut_short);
    hd_text_format(&text, ",\"reports\":%" PRId64 ",\"saved_reports\":%" PRId64, replay->reports, replay->saved_reports);
    hd_text_format(&text, ",\"run_seconds\":%.6f,\"saved_seconds\":%.6f", (double)replay->run_us / 1e6, (double)replay->saved_us / 1e6);
    json_winner(&text, what_if, "winner", &replay->recorded);
    json_winner(&text, what_if, "winner_with_policy", &replay->replayed);
    hd_text_format(&text, ",\"winner_lost\":%s", replay->lost ? "true" : "false");
    json_stopped(&text, what_if);
    hd_text_add_char(&text, '}');
    whole = !text.failed;
    if (whole) {
        output_raw(&what_if->client->output, &text);
    }
    hd_text_clear(&text);
    return whole;
}

/* --- The command ------------------------------------------------------------------------------------------------------------------------
 */

static int play(struct what_if *what_if, struct hd_error *error)
{
    struct client *client = what_if->client;
    struct hd_memory memory = {.limit = INT64_MAX / 2};
    int result = replay_curves_read(&what_if->curves, client, what_if->sweep.json, error);
    bool printed;

    if (result < 0) {
        return result;
    }
    if (hd_policy_replay(&what_if->rule, what_if->curves.list, what_if->curves.count, &memory, &what_if->replay) != 0) {
        return hd_error_set(error, HD_UNAVAILABLE, "memory is short");
    }
    printed = client->arguments.value[OPTION_JSON] != NULL ? print_json(what_if) : print_text(what_if);
    return printed ? EXIT_OK : hd_error_set(error, HD_UNAVAILABLE, "memory is short");
}

int command_replay(struct client *client, struct hd_error *error)
{
    struct what_if what_if = {.client = client};
    int result;

    if (client->arguments.value[OPTION_POLICY] == NULL) {
        return hd_error_set(error, HD_INVALID, "replay needs --policy, as --policy bandit,slack_factor=0.1");
    }
    result = read_sweep(&what_if, error);
    if (result == 0) {
        result = read_policy(&what_if) ? play(&what_if, error) : EXIT_USAGE;
    }
    hd_replay_clear(&what_if.replay);
    replay_curves_clear(&what_if.curves);
    cJSON_Delete(what_if.policy);
    rest_answer_clear(&what_if.sweep);
    return result;
}
