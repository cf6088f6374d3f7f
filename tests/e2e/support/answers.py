"""Every answer of the front is held against packaging/doc/openapi.json: its path, its method, its status, the headers
that are promised and the form of its body."""
import functools
import json
import os
import re
import sys

from harness import TOP

if os.path.isdir("/usr/lib/python3/dist-packages"):
    sys.path.append("/usr/lib/python3/dist-packages")  # Debian's, also for another Python than Debian's
import jsonschema  # noqa: E402


@functools.cache
def description():
    with open(os.path.join(TOP, "packaging/doc/openapi.json")) as file:
        return json.load(file)


def resolved(part):
    """Of references that stand in the place of the whole."""
    while "$ref" in part:
        found = description()
        for word in part["$ref"][2:].split("/"):
            found = found[word]
        part = found
    return part


def operation(method, path):
    """Literal words go before those that stand for any."""
    path = path.split("?")[0]
    for template in sorted(description()["paths"], key=lambda template: template.count("{")):
        if re.fullmatch(re.sub(r"{[^}]*}", "[A-Za-z0-9._-]{1,64}", template), path):
            item = description()["paths"][template]
            return item.get(method.lower()) or item.get("get" if method == "HEAD" else "")
    return None


def validator(schema):
    return jsonschema.Draft202012Validator({**schema, "components": description()["components"]})


def check_answer(method, path, answer):
    what = operation(method, path)
    if what is None:
        assert answer.status in (401, 404, 405), f"{method} {path} is not described, and answers {answer.status}"
        return
    said = what["responses"].get(str(answer.status))
    assert said, f"{method} {path}: {answer.status} is not described: {answer.body[:300]}"
    said = resolved(said)
    missing = [name for name, header in said.get("headers", {}).items()
               if header.get("required") and name.lower() not in answer.headers]
    assert not missing, f"{method} {path}: {answer.status} without {missing}: {answer.headers}"
    content = said.get("content", {}).get("application/json")
    if method == "HEAD" or not content:
        is_empty = method == "HEAD" or not answer.body
        assert is_empty or said.get("content"), f"{method} {path}: a body: {answer.body[:99]}"
        return
    body = answer.body if isinstance(answer.body, str) else answer.body.decode()
    wrong = [error.message for error in validator(content["schema"]).iter_errors(json.loads(body))]
    assert not wrong, f"{method} {path}: {answer.status}: {'; '.join(wrong)}: {body[:500]}"
