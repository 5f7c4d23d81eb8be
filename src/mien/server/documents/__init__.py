"""What the service answers, as JSON, a module a subject; fields of a `mien.faces/1` document mean the same here."""
