#include "progress.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/status.h"

enum { BAR_WIDTH = 30 };

struct tally {
    double ended, generated, total; /* total: what there will be, as far as is known */
};

double progress_total(const cJSON *sweep)
{
    double total = member_count(sweep, "max_total_runs");

    return total > 0 ? total : member_count(member(sweep, "config"), "max_total_runs");
}

static struct tally count(const cJSON *sweep)
{
    const cJSON *children = member(sweep, "children");
    struct tally tally = {.generated = member_count(children, "total"), .total = progress_total(sweep)};

    for (int status = 1; status < HD_STATUS_COUNT; status++) {
        if (hd_status_ended((enum hd_status)status)) {
            tally.ended += member_count(children, hd_status_name((enum hd_status)status));
        }
    }
    /* No more children come: those there are are all. */
    if (!cJSON_IsNull(member(sweep, "end_utc")) || strcmp(member_text(sweep, "status", ""), "CancelRequested") == 0 || tally.total == 0) {
        tally.total = tally.generated;
    }
    return tally;
}

double progress_left(const cJSON *sweep)
{
    struct tally tally = count(sweep);
    double elapsed = seconds_between(sweep, "start_utc", "end_utc");
    double limit = member_count(member(sweep, "config"), "max_duration_seconds");
    double left;

    if (tally.ended == 0 || elapsed <= 0 || !cJSON_IsNull(member(sweep, "end_utc"))) {
        return -1;
    }
    left = elapsed * (tally.total - tally.ended) / tally.ended;
    return limit > 0 && elapsed + left > limit ? limit - elapsed : left;
}

void progress_counts(struct hd_text *out, const cJSON *sweep)
{
    static const enum hd_status order[] = {HD_RUNNING,          HD_FINALIZING,     HD_STARTING,  HD_PREPARING, HD_QUEUED,
                                           HD_CANCEL_REQUESTED, HD_NOT_RESPONDING, HD_COMPLETED, HD_FAILED,    HD_CANCELED};
    const cJSON *children = member(sweep, "children");
    const char *between = "";

    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        double number = member_count(children, hd_status_name(order[i]));

        if (number > 0) {
            hd_text_format(out, "%s%.0f %s", between, number, hd_status_name(order[i]));
            between = ", ";
        }
    }
    if (between[0] == '\0') {
        hd_text_add_string(out, "no children yet");
    }
}

void progress_best(struct hd_text *out, const cJSON *sweep, const cJSON *best)
{
    const cJSON *value = member(sweep, "best_primary_metric");
    double ignored;

    if (value == NULL || !hd_json_metric_number(value, &ignored)) {
        hd_text_add_string(out, "no best yet");
        return;
    }
    hd_text_format(out, "best %s ", member_text(member(sweep, "config"), "primary_metric_name", "metric"));
    text_value(out, value, 6);
    hd_text_format(out, " by %s", member_text(sweep, "best_child_run_id", "?"));
    if (best != NULL) {
        hd_text_add_string(out, "  ");
        text_configuration(out, best, 6);
    }
}

static void add_left(struct hd_text *out, const cJSON *sweep, const char *before)
{
    double left = progress_left(sweep);

    if (left >= 0) {
        hd_text_format(out, "%sabout ", before);
        text_duration(out, left);
        hd_text_add_string(out, " left");
    }
}

static void add_bar(struct hd_text *out, const struct tally *tally)
{
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    int full = tally->total > 0 ? (int)(BAR_WIDTH * (tally->ended < tally->total ? tally->ended / tally->total : 1)) : 0;

    hd_text_add_char(out, '[');
    for (int i = 0; i < BAR_WIDTH; i++) {
        hd_text_add_string(out, i < full ? (utf8 ? "\xE2\x96\x88" : "#") : (utf8 ? "\xE2\x96\x91" : "-"));
    }
    hd_text_format(out, "] %.0f of %.0f", tally->ended, tally->total);
}

/* A line of the terminal, cut so that it never wraps: a wrapped one would spoil the redrawing. */
static void draw(struct progress *progress, struct hd_text *block, struct hd_text *line)
{
    if (line->data != NULL) {
        table_add_clean(block, line->data, progress->output->width > 1 ? progress->output->width - 1 : 1);
        hd_text_add_char(block, '\n');
    }
    block->failed = block->failed || line->failed;
    hd_text_clear(line);
    progress->lines++;
}

static bool show_block(struct progress *progress, const cJSON *sweep, const cJSON *best)
{
    struct tally tally = count(sweep);
    struct hd_text block = {0}, line = {0};
    double elapsed = seconds_between(sweep, "start_utc", "end_utc");
    bool shown;

    progress_erase(progress);
    hd_text_format(&line, "%s  %s", member_text(sweep, "run_id", ""), member_text(sweep, "status", ""));
    if (elapsed >= 0) {
        hd_text_add_string(&line, "  ");
        text_duration(&line, elapsed);
    }
    draw(progress, &block, &line);
    add_bar(&line, &tally);
    add_left(&line, sweep, "  ");
    draw(progress, &block, &line);
    progress_counts(&line, sweep);
    draw(progress, &block, &line);
    progress_best(&line, sweep, best);
    draw(progress, &block, &line);
    shown = !block.failed;
    if (shown) {
        fputs(block.data, progress->output->file);
        fflush(progress->output->file);
    }
    hd_text_clear(&block);
    return shown;
}

/* Only what changed by an event is compared: the time left changes all the time. */
static bool show_line(struct progress *progress, const cJSON *sweep, const cJSON *best)
{
    struct tally tally = count(sweep);
    struct hd_text line = {0}, left = {0}, clean = {0};
    bool made;

    hd_text_format(&line, "%s %.0f of %.0f: ", member_text(sweep, "status", ""), tally.ended, tally.total);
    progress_counts(&line, sweep);
    hd_text_add_string(&line, "; ");
    progress_best(&line, sweep, best);
    add_left(&left, sweep, "; ");
    made = !line.failed && !left.failed;
    if (made && (progress->last == NULL || strcmp(progress->last, line.data) != 0)) {
        table_add_clean(&clean, line.data, 0);
        made = !clean.failed;
        fprintf(progress->output->file, "%s%s\n", made ? clean.data : "", left.data != NULL ? left.data : "");
        fflush(progress->output->file);
        free(progress->last);
        progress->last = hd_text_take(&line);
    }
    hd_text_clear(&line);
    hd_text_clear(&left);
    hd_text_clear(&clean);
    return made;
}

bool progress_show(struct progress *progress, const cJSON *sweep, const cJSON *best)
{
    return progress->output->terminal ? show_block(progress, sweep, best) : show_line(progress, sweep, best);
}

void progress_erase(struct progress *progress)
{
    if (progress->lines > 0) {
        fprintf(progress->output->file, "\033[%dA\r\033[J", progress->lines);
        progress->lines = 0;
    }
}

void progress_close(struct progress *progress)
{
    free(progress->last);
    progress->last = NULL;
}
