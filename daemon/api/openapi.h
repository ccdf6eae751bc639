/* The description of all routes, schema/openapi.yaml, compiled in. */
#ifndef HYPERDRIVED_API_OPENAPI_H
#define HYPERDRIVED_API_OPENAPI_H

extern const char api_document[]; /* YAML */

#endif
