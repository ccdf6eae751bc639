#include "digest.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "json_tree.h"
#include "number.h"
#include "sampling.h"

static uint64_t rotate(uint64_t x, int count)
{
    return x << count | x >> (64 - count);
}

static uint64_t read_little_endian(const unsigned char *bytes, size_t length)
{
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

static void write_little_endian(unsigned char *bytes, uint64_t value)
{
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
}

static const uint64_t C1 = 0x87c37b91114253d5, C2 = 0x4cf5ad432745937f;

static uint64_t mix_first(uint64_t k)
{
    return rotate(k * C1, 31) * C2;
}

static uint64_t mix_second(uint64_t k)
{
    return rotate(k * C2, 33) * C1;
}

static uint64_t finalise(uint64_t k)
{
    k ^= k >> 33;
    k *= 0xff51afd7ed558ccd;
    k ^= k >> 33;
    k *= 0xc4ceb9fe1a85ec53;
    k ^= k >> 33;
    return k;
}

void digest_bytes(const void *bytes, size_t length, unsigned char ret_digest[DIGEST_SIZE])
{
    const unsigned char *at = bytes, *end = at + length;
    uint64_t first = 0, second = 0;
    for (; end - at >= 16; at += 16) {
        first = rotate(first ^ mix_first(read_little_endian(at, 8)), 27) + second;
        first = first * 5 + 0x52dce729;
        second = rotate(second ^ mix_second(read_little_endian(at + 8, 8)), 31) + first;
        second = second * 5 + 0x38495ab5;
    }
    size_t rest = (size_t)(end - at);
    if (rest > 8)
        second ^= mix_second(read_little_endian(at + 8, rest - 8));
    if (rest > 0)
        first ^= mix_first(read_little_endian(at, rest < 8 ? rest : 8));
    first ^= length;
    second ^= length;
    first += second;
    second += first;
    first = finalise(first);
    second = finalise(second);
    first += second;
    second += first;
    write_little_endian(ret_digest, first);
    write_little_endian(ret_digest + 8, second);
}

static void canonical(struct hd_text *out, const cJSON *value);

static void canonical_object(struct hd_text *out, const cJSON *object)
{
    const cJSON **members;
    size_t count;
    if (!json_sorted_members(object, &members, &count)) {
        out->failed = true;
        return;
    }
    hd_text_add_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            hd_text_add_char(out, ',');
        hd_json_print_string(out, members[i]->string);
        hd_text_add_char(out, ':');
        canonical(out, members[i]);
    }
    hd_text_add_char(out, '}');
    free(members);
}

static void canonical_array(struct hd_text *out, const cJSON *array)
{
    hd_text_add_char(out, '[');
    for (const cJSON *element = array->child; element != NULL; element = element->next) {
        if (element != array->child)
            hd_text_add_char(out, ',');
        canonical(out, element);
    }
    hd_text_add_char(out, ']');
}

static void canonical(struct hd_text *out, const cJSON *value)
{
    char number[HD_NUMBER_TEXT_SIZE];
    if (cJSON_IsObject(value))
        canonical_object(out, value);
    else if (cJSON_IsArray(value))
        canonical_array(out, value);
    else if (cJSON_IsNumber(value))
        hd_text_add(out, number, hd_number_json(value->valuedouble, number));
    else
        hd_json_print(out, value, HD_JSON_COMPACT);
}

bool digest_json(const cJSON *value, unsigned char ret_digest[DIGEST_SIZE])
{
    struct hd_text text = {0};
    canonical(&text, value);
    bool complete = !text.failed;
    if (complete)
        digest_bytes(text.data, text.length, ret_digest);
    hd_text_clear(&text);
    return complete;
}

bool hd_configuration_digest(const cJSON *configuration, unsigned char ret_digest[16])
{
    return digest_json(configuration, ret_digest);
}
