#include "body.h"

/* What takes less than a millisecond or so is quicker done than sent to another thread. */
enum { SMALL_BODY = 32 * 1024 };

void body_start(struct http_request *request, uv_loop_t *loop, uv_work_t *work, uv_work_cb parse, uv_after_work_cb after)
{
    size_t length;
    int status = 0;

    (void)http_body(request, &length);
    if (length > SMALL_BODY) {
        status = uv_queue_work(loop, work, parse, after);
        if (status == 0)
            return;
    } else {
        parse(work);
    }
    after(work, status);
}
