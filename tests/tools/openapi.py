"""Checks answers against the service's own /openapi.json: the part of JSON Schema that it uses. Standard library only."""

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "integer": int, "number": (int, float)}


def _is(value, name):
    return isinstance(value, TYPES[name]) and (name not in ("integer", "number") or not isinstance(value, bool))


class Description:
    def __init__(self, document):
        self.document = document
        self.schemas = document["components"]["schemas"]

    def operations(self):
        """(method, path, operation) of every route."""
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield method.upper(), path, operation

    def wrong(self, value, schema, at="$"):
        """What does not fit, as text; "" when all fits."""
        if "$ref" in schema:
            return self.wrong(value, self.schemas[schema["$ref"].rsplit("/", 1)[1]], at)
        for part in schema.get("allOf", []):
            if found := self.wrong(value, part, at):
                return found
        names = schema.get("type", [])
        names = [names] if isinstance(names, str) else names
        if names and not any(_is(value, name) for name in names):
            return f"{at}: {value!r} is not of type {names}"
        if "const" in schema and value != schema["const"]:
            return f"{at}: {value!r} is not {schema['const']!r}"
        if "enum" in schema and value not in schema["enum"]:
            return f"{at}: {value!r} is not one of {schema['enum']}"
        if isinstance(value, dict):
            missing = [name for name in schema.get("required", []) if name not in value]
            if missing:
                return f"{at}: lacks {missing}"
            for name, part in schema.get("properties", {}).items():
                if name in value and (found := self.wrong(value[name], part, f"{at}.{name}")):
                    return found
        if isinstance(value, list) and "items" in schema:
            for i, item in enumerate(value):
                if found := self.wrong(item, schema["items"], f"{at}[{i}]"):
                    return found
        return ""
