#include "news_points.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "core/instant.h"
#include "core/json.h"
#include "core/number.h"
#include "metric_value.h"
#include "resource.h"

enum {
    PERIOD_MS = 250,
    RUNS_AT_ONCE = 64, /* what the loop does in one go */
    NAMES = 16,        /* of one run */
};

static int64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct message {
    struct hd_text text;
    int64_t sweep;
    bool has_name;
};

static int print_run(void *context, const struct store_run *run)
{
    struct message *message = context;
    struct hd_text *text = &message->text;
    char number[HD_NUMBER_TEXT_SIZE] = "null", at[HD_INSTANT_SIZE];

    message->sweep = run->sweep;
    if (run->has_metric)
        hd_number_json(run->best, number);
    hd_instant_text(now_us(), at);
    hd_text_format(text, "event: metrics\ndata: {\"time\":\"%s\"", at);
    resource_string(text, "sweep_id", run->sweep_id);
    resource_string(text, "run_id", run->id);
    resource_string(text, "status", hd_status_name(run->status));
    hd_text_format(text, ",\"reports\":%" PRId64, run->reports);
    resource_json(text, "best_primary_metric", number);
    hd_text_add_string(text, ",\"metrics\":[");
    return 0;
}

static int print_point(void *context, const char *name, const struct store_stored_point *point)
{
    struct message *message = context;
    struct hd_text *text = &message->text;

    hd_text_add_string(text, message->has_name ? ",{\"name\":" : "{\"name\":");
    message->has_name = true;
    hd_json_print_string(text, name);
    hd_text_add_string(text, ",\"value\":");
    metric_value_print(text, point, "");
    if (point->has_step)
        hd_text_format(text, ",\"step\":%" PRId64, point->step);
    else
        resource_json(text, "step", NULL);
    hd_text_format(text, ",\"sequence\":%" PRId64 "}", point->sequence);
    return 0;
}

static void tell(struct news_points *news, int64_t run)
{
    struct store_reader *reader = store_loop_reader(news->store);
    struct message message = {.sweep = 0};
    struct hd_error error = {0};

    /* A run that is not found was deleted meanwhile. What cannot be read is told with the next report. */
    if (store_read_run(reader, run, print_run, &message, &error) == 0 && message.sweep != 0 &&
        store_read_newest_points(reader, run, NAMES, print_point, &message, &error) == 0) {
        hd_text_add_string(&message.text, "]}\n\n");
        if (!message.text.failed)
            news->tell(news->data, message.sweep, &message.text);
    }
    hd_text_clear(&message.text);
}

static void on_timer(uv_timer_t *timer)
{
    news_points_tell(timer->data);
}

void news_points_tell(struct news_points *news)
{
    int count = news->count < RUNS_AT_ONCE ? news->count : RUNS_AT_ONCE;

    for (int i = 0; i < count; i++)
        tell(news, news->runs[i]);
    news->count -= count;
    memmove(news->runs, news->runs + count, (size_t)news->count * sizeof news->runs[0]);
    if (news->count > 0)
        uv_timer_start(&news->timer, on_timer, PERIOD_MS, 0);
    else
        uv_timer_stop(&news->timer);
}

void news_points_init(struct news_points *news, uv_loop_t *loop, struct store *store,
                      void (*tell_one)(void *data, int64_t sweep, const struct hd_text *message), void *data)
{
    *news = (struct news_points){.store = store, .tell = tell_one, .data = data};
    (void)uv_timer_init(loop, &news->timer); /* cannot fail: it only enters the handle into the loop */
    news->timer.data = news;
}

void news_points_note(struct news_points *news, int64_t run)
{

    for (int i = news->count - 1; i >= 0; i--)
        if (news->runs[i] == run)
            return;
    if (news->count == NEWS_RUNS)
        return;
    news->runs[news->count++] = run;
    if (news->count == 1)
        uv_timer_start(&news->timer, on_timer, PERIOD_MS, 0);
}

static void on_closed(uv_handle_t *timer)
{
    struct news_points *news = timer->data;

    news->closed(news->data);
}

void news_points_close(struct news_points *news, void (*closed)(void *data))
{
    news->closed = closed;
    uv_close((uv_handle_t *)&news->timer, on_closed);
}
