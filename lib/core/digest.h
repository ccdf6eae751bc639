/* A value's identity in 128 bits: equal by hd_json_equal, equal digest. For lib/core only. */
#ifndef HD_CORE_DIGEST_H
#define HD_CORE_DIGEST_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIGEST_SIZE = 16 };

/* MurmurHash3 x64 128 (Austin Appleby, public domain) with seed 0. Digests are stored in databases: this never changes. */
void digest_bytes(const void *bytes, size_t length, unsigned char ret_digest[DIGEST_SIZE]);
/* Digest of a canonical text: compact JSON, every number as the float that it equals, the members of objects sorted. False when memory is
 * short. */
bool digest_json(const cJSON *value, unsigned char ret_digest[DIGEST_SIZE]);

#endif
