"""Writes the description of the API as a C string: embed_document.py OUTPUT.c openapi.yaml"""
import sys

sys.dont_write_bytecode = True  # the source tree stays as it is
from embed import literal  # noqa: E402

with open(sys.argv[2], encoding="utf-8") as source, open(sys.argv[1], "w", encoding="utf-8") as output:
    output.write('#include "api/openapi.h"\n\nconst char api_document[] =\n%s;\n' % literal(source.read()))
