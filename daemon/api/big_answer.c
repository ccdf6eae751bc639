#include "big_answer.h"

int big_answer_begin(struct api *api, struct hd_error *error)
{
    int limit = __atomic_load_n(&api->big_answers, __ATOMIC_RELAXED);

    if (__atomic_add_fetch(&api->big_answers_open, 1, __ATOMIC_SEQ_CST) <= limit)
        return 0;
    big_answer_end(api);
    return hd_error_set(error, HD_UNAVAILABLE, "%d large answers are being written already; try again in a moment", limit);
}

void big_answer_end(struct api *api)
{
    __atomic_sub_fetch(&api->big_answers_open, 1, __ATOMIC_SEQ_CST);
}
