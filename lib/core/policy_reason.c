/* A decision in words and as the `stop_reason` of a run. */
#include <inttypes.h>
#include <math.h>

#include "instant.h"
#include "json.h"
#include "number.h"
#include "policy.h"

/* A number for a sentence: ten digits hide what rounding has left of 0.7 * 0.1; the members have them all. */
static void add_number(struct hd_text *out, double value)
{
    if (isnan(value))
        hd_text_add_string(out, "NaN");
    else if (isinf(value))
        hd_text_add_string(out, value > 0 ? "Infinity" : "-Infinity");
    else
        hd_text_format(out, "%.10g", value);
}

static void say_bandit(struct hd_text *out, const struct hd_decision *decision)
{
    add_number(out, decision->best);
    hd_text_format(out, " is the best of %" PRId64 " runs and the slack is ", decision->runs);
    add_number(out, decision->slack);
}

static void say_median(struct hd_text *out, const struct hd_decision *decision)
{
    hd_text_add_string(out, "the median of the averages of ");
    hd_text_format(out, "%" PRId64 " runs is ", decision->runs);
    add_number(out, decision->threshold);
}

static void say_truncation(struct hd_text *out, const struct hd_decision *decision)
{
    hd_text_format(out, "of %" PRId64 " runs %" PRId64 " %s not better, and the lowest %" PRId64 " %s stopped", decision->runs,
                   decision->rank, decision->rank == 1 ? "is" : "are", decision->quota, decision->quota == 1 ? "is" : "are");
}

static void print_member(struct hd_text *out, const char *name, double value)
{
    char number[HD_NUMBER_TEXT_SIZE];

    hd_number_json(value, number);
    hd_text_format(out, ",\"%s\":%s", name, number);
}

static void print_bandit(struct hd_text *out, const struct hd_decision *decision, const char *best_run_id)
{
    print_member(out, "best", decision->best);
    hd_text_add_string(out, ",\"best_run_id\":");
    hd_json_print_string(out, best_run_id);
    print_member(out, "slack", decision->slack);
    hd_text_format(out, ",\"runs\":%" PRId64, decision->runs);
}

static void print_median(struct hd_text *out, const struct hd_decision *decision, const char *best_run_id)
{
    (void)best_run_id;
    print_member(out, "median", decision->threshold);
    hd_text_format(out, ",\"runs\":%" PRId64, decision->runs);
}

static void print_truncation(struct hd_text *out, const struct hd_decision *decision, const char *best_run_id)
{
    (void)best_run_id;
    hd_text_format(out, ",\"rank\":%" PRId64 ",\"count\":%" PRId64 ",\"quota\":%" PRId64, decision->rank, decision->runs, decision->quota);
}

static const struct {
    void (*say)(struct hd_text *out, const struct hd_decision *decision);
    void (*print)(struct hd_text *out, const struct hd_decision *decision, const char *best_run_id);
} REASONS[] = {
    [HD_BANDIT] = {say_bandit, print_bandit},
    [HD_MEDIAN_STOPPING] = {say_median, print_median},
    [HD_TRUNCATION_SELECTION] = {say_truncation, print_truncation},
};

void hd_decision_sentence(struct hd_text *out, const struct hd_decision *decision, const char *metric)
{
    hd_text_format(out, "%s: at report %" PRId64 " the best %s was ", hd_policy_name(decision->type), decision->interval, metric);
    add_number(out, decision->value);
    hd_text_add_string(out, "; ");
    REASONS[decision->type].say(out, decision);
}

void hd_decision_reason(struct hd_text *out, const struct hd_decision *decision, const char *metric, const char *best_run_id, int64_t at_us)
{
    struct hd_text sentence = {0};
    char at[HD_INSTANT_SIZE];

    hd_text_format(out, "{\"kind\":\"policy\",\"policy\":\"%s\",\"interval\":%" PRId64, hd_policy_name(decision->type), decision->interval);
    print_member(out, "value", decision->value);
    print_member(out, "threshold", decision->threshold);
    REASONS[decision->type].print(out, decision, best_run_id);
    hd_decision_sentence(&sentence, decision, metric);
    hd_text_add_string(out, ",\"message\":");
    hd_json_print_string(out, sentence.data != NULL ? sentence.data : "");
    hd_instant_text(at_us, at);
    hd_text_format(out, ",\"at_utc\":\"%s\"}", at);
    out->failed |= sentence.failed;
    hd_text_clear(&sentence);
}
