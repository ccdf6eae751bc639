#include "policy_replay.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "merge.h"

/* A curve on its way through the replay. */
struct reader {
    const struct hd_curve *curve;
    struct hd_replayed *replayed;
    int64_t next; /* index of the report that comes next */
};

struct player {
    const struct hd_policy_rule *rule;
    struct hd_policy *policy;
    struct reader *readers;
    struct hd_merge reports; /* of the readers that have some left */
    struct reader **ends;    /* all, in the order of their ends */
    int64_t count, ended;
};

static int by_end(const void *a, const void *b)
{
    const struct reader *first = *(struct reader *const *)a, *second = *(struct reader *const *)b;

    return (first->curve->end_ordinal > second->curve->end_ordinal) - (first->curve->end_ordinal < second->curve->end_ordinal);
}

/* --- The replay ---------------------------------------------------------------------------------------------------------------------- */

/* Tells the policy of the children that had ended before this. */
static void end_until(struct player *player, int64_t ordinal)
{
    for (; player->ended < player->count && player->ends[player->ended]->curve->end_ordinal < ordinal; player->ended++)
        hd_policy_end(player->policy, player->ends[player->ended]->curve->run);
}

/* What came while it was being stopped would have come as well. */
static void stop(struct reader *reader, const struct hd_curve_point *point)
{
    struct hd_replayed *replayed = reader->replayed;

    if (reader->next == reader->curve->stopped)
        return;
    replayed->reports = reader->next;
    while (replayed->reports < reader->curve->count && reader->curve->points[replayed->reports].unjudged)
        replayed->reports++;
    replayed->saved_reports = reader->curve->count - replayed->reports;
    if (reader->curve->ended_us > point->at_us)
        replayed->saved_us = reader->curve->ended_us - point->at_us;
}

static int play_report(struct player *player)
{
    struct reader *reader = hd_merge_first(&player->reports)->stream;
    const struct hd_curve_point *point = &reader->curve->points[reader->next++];
    struct hd_decision decision;

    end_until(player, point->ordinal);
    if (hd_policy_report(player->policy, reader->curve->run, point->value, !point->unjudged, &decision) != 0)
        return -1;
    if (decision.stop) {
        reader->replayed->decision = decision;
        stop(reader, point);
    }
    if (reader->next < reader->replayed->reports) {
        hd_merge_advance(&player->reports, reader->curve->points[reader->next].ordinal);
        return 0;
    }
    hd_merge_drop(&player->reports);
    /* A stop that was carried out has its end among the others; one that was not would have been followed by an end soon. */
    if (reader->replayed->reports < reader->curve->count)
        hd_policy_end(player->policy, reader->curve->run);
    return 0;
}

/* An inherited run had ended before the sweep began: all of it comes first, and none of it is judged. */
static int play_inherited(struct player *player, const struct hd_curve *curve)
{
    struct hd_decision decision;

    for (int64_t i = 0; i < curve->count; i++)
        if (hd_policy_report(player->policy, curve->run, curve->points[i].value, false, &decision) != 0)
            return -1;
    hd_policy_end(player->policy, curve->run);
    return 0;
}

static int open_player(struct player *player, const struct hd_curve *curves, int64_t count, struct hd_memory *memory,
                       struct hd_replay *replay)
{
    size_t places = (size_t)count + 1;

    player->policy = hd_policy_new(player->rule, memory);
    player->readers = calloc(places, sizeof *player->readers);
    player->ends = calloc(places, sizeof(struct reader *));
    replay->curves = calloc(places, sizeof *replay->curves);
    if (player->policy == NULL || player->readers == NULL || player->ends == NULL || replay->curves == NULL)
        return -1;
    player->count = count;
    for (int64_t i = 0; i < count; i++) {
        struct reader *reader = &player->readers[i];

        reader->curve = &curves[i];
        reader->replayed = &replay->curves[i];
        reader->replayed->reports = curves[i].count;
        player->ends[i] = reader;
        if (curves[i].inherited && play_inherited(player, &curves[i]) != 0)
            return -1;
        if (curves[i].count > 0 && !curves[i].inherited && !hd_merge_add(&player->reports, curves[i].points[0].ordinal, reader))
            return -1;
    }
    qsort(player->ends, (size_t)count, sizeof(struct reader *), by_end);
    return 0;
}

static void close_player(struct player *player)
{
    hd_policy_free(player->policy);
    free(player->readers);
    hd_merge_clear(&player->reports);
    free(player->ends);
}

/* --- What it comes to ---------------------------------------------------------------------------------------------------------------- */

/* The best of a child's first reports; NaN: it has no metric. */
static double best_of(enum hd_goal goal, const struct hd_curve *curve, int64_t reports)
{
    double best = NAN;

    for (int64_t i = 0; i < reports; i++)
        if (hd_goal_better(goal, curve->points[i].value, best))
            best = curve->points[i].value;
    return best;
}

static void offer(struct hd_winner *winner, enum hd_goal goal, const struct hd_curve *curves, int64_t index, int64_t reports)
{
    double best = best_of(goal, &curves[index], reports);

    if (isnan(best))
        return;
    if (winner->curve < 0 || hd_goal_better(goal, best, winner->best) ||
        (best == winner->best && curves[index].run > curves[winner->curve].run))
        *winner = (struct hd_winner){index, best};
}

static void sum_up(const struct hd_policy_rule *rule, const struct hd_curve *curves, int64_t count, struct hd_replay *replay)
{
    replay->recorded = replay->replayed = (struct hd_winner){-1, NAN};
    for (int64_t i = 0; i < count; i++) {
        const struct hd_replayed *replayed = &replay->curves[i];

        if (curves[i].inherited)
            continue;
        replay->stopped += replayed->decision.stop;
        replay->reports += curves[i].count;
        replay->saved_reports += replayed->saved_reports;
        replay->saved_us += replayed->saved_us;
        if (curves[i].started_us > 0 && curves[i].ended_us > curves[i].started_us)
            replay->run_us += curves[i].ended_us - curves[i].started_us;
        offer(&replay->recorded, rule->goal, curves, i, curves[i].count);
        offer(&replay->replayed, rule->goal, curves, i, replayed->reports);
    }
    replay->lost = replay->recorded.curve >= 0 && hd_goal_better(rule->goal, replay->recorded.best, replay->replayed.best);
}

int hd_policy_replay(const struct hd_policy_rule *rule, const struct hd_curve *curves, int64_t count, struct hd_memory *memory,
                     struct hd_replay *ret_replay)
{
    struct player player = {.rule = rule};
    struct hd_replay replay = {0};
    int result = open_player(&player, curves, count, memory, &replay);

    while (result == 0 && player.reports.count > 0)
        result = play_report(&player);
    close_player(&player);
    if (result != 0) {
        hd_replay_clear(&replay);
        return result;
    }
    sum_up(rule, curves, count, &replay);
    *ret_replay = replay;
    return 0;
}

void hd_replay_clear(struct hd_replay *replay)
{
    free(replay->curves);
    *replay = (struct hd_replay){0};
}
