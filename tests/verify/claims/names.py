"""Names with any script, and names that are attacks."""

import re

from lab import machine

NUMBER = 11
TITLE = "Names: any script, 63 characters, quotes, emoji, path and shell characters; control characters refused; nothing left over"

GOOD = (
    "branch-mumbai", "Büro Zürich", "支社・東京", "Филиал Москва", "मुंबई शाखा", "فرع القاهرة", "สาขา", "서울 지사", "🦊🚀", "naïve café",
    "a", "A" * 63, "界" * 63, "🦊" * 63, "O'Brien \"the\" `box`", "../../etc/passwd", "/dev/null", "$(reboot)", "; rm -rf / #",
    "x && y | z > w", "%s%n%00", "<script>alert(1)</script>", "'; DROP TABLE machine; --", "C:\\Windows\\*?", "--help", "-rf",
    "[Peer]", "# comment = 1", "PrivateKey = x", "null", "0", "..", "localhost", "xn--bcher-kva", "İstanbul", "ﬁ ligature", "e\u0301",
)
BAD = {
    "empty": "", "64 characters": "a" * 64, "64 characters of 3 bytes": "界" * 64, "a newline": "a\nb", "a carriage return": "a\rb",
    "a tab": "a\tb", "NUL": "a\0b", "escape": "a\x1b[31mb", "delete": "a\x7fb", "a C1 control": "a\x85b", "a line separator": "a\u2028b",
    "a bidirectional override": "a\u202eb", "a bidirectional isolate": "a\u2067b", "a direction mark": "a\u200fb",
    "a leading space": " a", "a trailing space": "a ", "only a space": " ", "a wg-quick line after a newline": "x\n[Peer]\nPublicKey = y",
}
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def run(stage):
    org = stage.organisation("Names Works")
    before = stage.namespaces()
    made = [org.add(name) for name in GOOD]
    stage.say("\n".join(f"{one['name'][:40]!r:46} -> {one['label']}" for one in made))
    stage.check([one["name"] for one in made] == list(GOOD), f"{len(GOOD)} names are kept exactly as they were given")
    labels = [one["label"] for one in made]
    stage.check(all(LABEL.fullmatch(label) for label in labels) and len(set(labels)) == len(labels),
                "each has a DNS label of its own, of letters, digits and hyphens")
    stage.check([org.api.get(f"{org.path}/machines/{label}")["name"] for label in labels] == list(GOOD), "and is found by it")
    texts_are_whole(stage, made)
    refused(stage, org)
    organisations(stage, before)
    for one in made:
        org.api.delete(f"{org.path}/machines/{one['uid']}")
    stage.check(org.machines() == [], "all are removed again")
    org.delete()


def texts_are_whole(stage, made):
    """No name adds a line to the text that a program will read."""
    wrong = []
    for one in made:
        fields = machine.fields_of(one["config"])
        lines = [line for line in one["config"].splitlines() if line and not line.startswith("#")]
        if (list(fields) != ["Interface", "Peer"] or set(fields["Interface"]) != {"PrivateKey", "Address", "MTU"}
                or set(fields["Peer"]) != {"PublicKey", "Endpoint", "AllowedIPs", "PersistentKeepalive"} or len(lines) != 9):
            wrong.append(one["name"])
    stage.check(not wrong, f"no name changes the meaning of the wg-quick text{': ' + repr(wrong) if wrong else ''}")


def refused(stage, org):
    before = org.machines()
    next_address = org.add("probe")
    org.api.delete(f"{org.path}/machines/{next_address['uid']}")
    rows_before = stage.row_counts()
    wrong = []
    for what, name in BAD.items():
        answer = org.api.ask("POST", f"{org.path}/machines", {"name": name})
        pointers = answer.pointers()
        if answer.status not in (400, 422) or "/name" not in pointers:
            wrong.append((what, answer.status, pointers))
    surrogate = org.api.ask("POST", f"{org.path}/machines", raw=b'{"name": "a\\ud800b"}')
    broken = org.api.ask("POST", f"{org.path}/machines", raw=b'{"name": "a\xff\xfeb"}')
    stage.say(f"refused: {', '.join(BAD)}; half a surrogate pair; bytes that are no UTF-8")
    stage.check(not wrong, f"each is refused by a problem document that points to /name{': ' + str(wrong) if wrong else ''}")
    stage.check(surrogate.status in (400, 422) and broken.status in (400, 422), "text that is no text is refused too")
    stage.check(org.machines() == before, "none of them left a machine")
    stage.check(same(rows_before, stage.row_counts()), "nor a row in any table")


def same(before, after):
    """Sessions and the like may grow; what belongs to machines may not."""
    return all(before[table] == after[table] for table in before if table not in ("audit", "session", "meta"))


def organisations(stage, before):
    """Organisations' names reach further: namespaces, DNS, files."""
    files = set(stage.server.files())
    made = [stage.organisation(name) for name in ("../../run/x", "a/b\\c", "$(id) Ltd", "🦊 GmbH", "東京 株式会社", "O'Neill & \"Sons\"")]
    stage.check(all(LABEL.fullmatch(org.label) for org in made), f"organisations too: {', '.join(org.label for org in made)}")
    told = []
    for org in made:
        one = org.add("only one")
        told.append(f'# Warren hub for "{org.name}"' in one["config"].splitlines() and len(machine.fields_of(one["config"])) == 2)
        org.delete()
    stage.check(all(told), "and the text names each in one comment of its own line")
    left = [set(now) - set(then) for now, then in zip(stage.namespaces(), before)]
    stage.check(left == [set(), set()] and set(stage.server.files()) <= files | journal(files),
                f"no namespace and no file is left of them{'' if left == [set(), set()] else ': ' + str(left)}")


def journal(files):
    return {name for file in files for name in (f"{file}-wal", f"{file}-shm", f"{file}-journal")}
