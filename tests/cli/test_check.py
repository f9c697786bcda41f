"""`tocsin check` and `tocsin rules`: files, places, remedies and exit codes."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cli.terminal import run
from tests.cli.test_screen import on_terminal, without_escapes
from tests.rules.files import MINIMAL, changed

GOOD = """\
rules: [ rules.yaml ]
channels:
  - { name: page, kind: status_page }
  - { name: ops, kind: log, audience: internal }
"""
RULES = changed("kind: slack", "kind: log", MINIMAL)
TESTS = """\
rule_files: [ rules.yaml ]
tests: [ { strict: true, alerts: [ { labels: { service: checkout }, fires: 0m } ] } ]
"""
STARTER = Path(__file__).parents[2] / "rules" / "packs" / "starter.yaml"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with a good configuration and good rules."""
    (tmp_path / "tocsin.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    return tmp_path


def rewrite(file: Path, old: str, new: str) -> None:
    file.write_text(changed(old, new, file.read_text(encoding="utf-8")), encoding="utf-8")


class TestCheck:
    """Everything that must be right before the daemon starts."""

    def test_good(self, files: Path) -> None:
        """Exit 0, and it says which file it looked at."""
        found = run("check", "-c", str(files / "tocsin.yaml"))
        assert (found.code, found.out) == (0, f"{files}/tocsin.yaml: good\n")

    def test_before_the_command(self, files: Path) -> None:
        """-c may stand before the command; after it wins."""
        assert run("-c", str(files / "tocsin.yaml"), "check").code == 0
        assert run("-c", str(files / "none.yaml"), "check", "-c", str(files / "tocsin.yaml")).code == 0

    def test_bad_configuration(self, files: Path) -> None:
        """Each problem with file, line, column, key and remedy; exit 1."""
        rewrite(files / "tocsin.yaml", "audience: internal", "audiense: internal")
        found = run("check", "-c", str(files / "tocsin.yaml"))
        assert found.code == 1
        place = f"{files}/tocsin.yaml:4:29: channels[1].audiense: "
        assert found.out.startswith(place)
        assert "did you mean `audience`?" in found.out
        assert found.out.endswith("not good\n")

    def test_bad_rules(self, files: Path) -> None:
        """The rules are checked against the configuration, in the same form."""
        rewrite(files / "rules.yaml", "plan: public }", "plan: pubilc }")
        found = run("check", "-c", str(files / "tocsin.yaml"), "--json")
        assert found.code == 1
        problem = found.json["problems"][0]
        assert (problem["file"], problem["line"], problem["severity"]) == (f"{files}/rules.yaml", 8, "error")
        assert "public" in problem["remedy"]
        assert found.json["good"] is False

    def test_a_channel_that_the_configuration_lacks(self, files: Path) -> None:
        """What the rules expect has to be there."""
        rewrite(files / "tocsin.yaml", "name: ops", "name: other")
        assert "channels.ops" in run("check", "-c", str(files / "tocsin.yaml")).out

    def test_safety(self, files: Path) -> None:
        """A private listener that is open to others without credentials is a problem."""
        with (files / "tocsin.yaml").open("a", encoding="utf-8") as file:
            file.write("listen: { private: 0.0.0.0:8081 }\n")
        found = run("check", "-c", str(files / "tocsin.yaml"))
        assert (found.code, "token_file" in found.out) == (1, True)

    def test_no_such_file(self, files: Path) -> None:
        """A file that is not there is wrong use: exit 2."""
        found = run("check", "-c", str(files / "none.yaml"))
        assert (found.code, found.out) == (2, "")
        assert "none.yaml: cannot be read" in found.err

    def test_the_database(self, files: Path) -> None:
        """What a start would stumble over, and nothing is made; --offline does not look."""
        database = files / "a.db"
        with (files / "tocsin.yaml").open("a", encoding="utf-8") as file:
            file.write(f"database: sqlite:///{database}\n")
        config = str(files / "tocsin.yaml")
        assert run("check", "-c", config).code == 0
        assert not database.exists()
        database.write_text("dear all\n" * 1000, encoding="utf-8")
        database.chmod(0o600)
        found = run("check", "-c", config)
        assert (found.code, found.err) == (1, "")
        assert f"database: {database} cannot be read: file is not a database" in found.out
        assert run("check", "-c", config, "--json").json["database"].startswith(f"database: {database}")
        assert run("check", "-c", config, "--offline").code == 0

    def test_channels(self, files: Path) -> None:
        """A channel that cannot work is named, and the answer is no."""
        with (files / "tocsin.yaml").open("a", encoding="utf-8") as file:
            file.write(
                "  - { name: mail, kind: email, host: 127.0.0.1, port: 1, sender: a@example.com,"
                " recipients: [ b@example.com ] }\n"
            )
        found = run("check", "--channels", "-c", str(files / "tocsin.yaml"), "--json")
        wrong = {one["name"]: one["wrong"] for one in found.json["channels"]}
        assert found.code == 1
        assert (wrong["page"], wrong["ops"]) == ("", "")
        assert wrong["mail"]
        table = run("check", "--channels", "-c", str(files / "tocsin.yaml")).out
        assert [row.split()[-1] for row in table.splitlines() if row.startswith(("page", "ops"))] == [
            "good"
        ] * 2

    def test_channels_are_asked_at_once(self, files: Path) -> None:
        """A server answers nobody before both have asked: one after the other would never get through."""
        both = threading.Barrier(2, timeout=10)

        class Patient(BaseHTTPRequestHandler):
            """Waits for the other one."""

            def do_GET(self) -> None:
                both.wait()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                """Nothing: the command's output is under test."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Patient) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            address = f"http://127.0.0.1:{server.server_port}/api/webhooks"
            with (files / "tocsin.yaml").open("a", encoding="utf-8") as file:
                for number in (1, 2):
                    file.write(
                        f"  - {{ name: d{number}, kind: discord, webhook_url: '{address}/{number}/abc' }}\n"
                    )
            (files / "tocsin.yaml").chmod(0o600)
            found = run("check", "--channels", "-c", str(files / "tocsin.yaml"), "--json")
            server.shutdown()
            thread.join()
        assert [one["wrong"] for one in found.json["channels"]] == [""] * 4, found.out

    def test_a_silent_channel_costs_its_deadline(self, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Somebody who takes the call and says nothing is wrong; a kind at fault hides nobody's answer."""

        async def broken(_self: object) -> str:
            raise ZeroDivisionError

        monkeypatch.setattr("daemon.cli.check.DEADLINE", 0.2)
        monkeypatch.setattr("channels.log.LogChannel.check", broken)
        with socket.create_server(("127.0.0.1", 0)) as silent, (files / "tocsin.yaml").open("a") as file:
            port = silent.getsockname()[1]
            file.write(f"  - {{ name: mail, kind: email, host: 127.0.0.1, port: {port}, sender: a@b.c }}\n")
            file.close()
            found = run("check", "--channels", "-c", str(files / "tocsin.yaml"), "--json")
        wrong = {one["name"]: one["wrong"] for one in found.json["channels"]}
        remedy = {one["name"]: one["remedy"] for one in found.json["channels"]}
        assert (found.code, wrong["page"], wrong["mail"]) == (1, "", "no answer within 0.2 s")
        assert "ZeroDivisionError" in wrong["ops"]
        assert "docs/channels/email.md" in remedy["mail"]
        assert remedy["page"] == ""

    async def test_channels_on_a_narrow_terminal(self, files: Path) -> None:
        """What is wrong stands below the table, where it has room; no word is broken."""
        with (files / "tocsin.yaml").open("a", encoding="utf-8") as file:
            file.write("  - { name: mail, kind: email, host: 127.0.0.1, port: 1, sender: a@b.c }\n")
        output = await on_terminal(
            "check", "--channels", "--offline", "-c", str(files / "tocsin.yaml"), columns=60, code=1
        )
        lines = without_escapes(output).splitlines()
        row = next(line for line in lines if line.strip().startswith("mail "))
        assert max(len(line) for line in lines if str(files) not in line) <= 60
        assert row.split() == ["mail", "email", "public", "wrong"]
        assert "docs/channels/email.md" in " ".join(" ".join(lines).split())


class TestRules:
    """Rule files by themselves."""

    def test_check_good(self, files: Path) -> None:
        """Nothing on standard output, a count on the other."""
        (files / "rules.test.yaml").write_text(TESTS, encoding="utf-8")
        found = run("rules", "check", str(files / "rules.yaml"))
        assert (found.code, found.out, found.err) == (0, "", "1 file, 0 errors, 0 warnings\n")

    def test_check_errors(self, files: Path) -> None:
        """Place, key, words, remedy and code; exit 1; the same as JSON."""
        rewrite(files / "rules.yaml", "say: holding", "sya: holding")
        found = run("rules", "check", str(files / "rules.yaml"))
        assert found.code == 1
        assert found.out.startswith(f"{files}/rules.yaml:15:")
        assert "did you mean" in found.out
        assert "error]" in found.out
        for style in (["--format", "json"], ["--json"]):
            again = run("rules", "check", str(files / "rules.yaml"), *style)
            assert (again.code, again.json[0]["line"]) == (1, 15)

    def test_warnings_are_no_errors(self) -> None:
        """Without arguments the configuration's files are checked: here the starter pack, with warnings."""
        found = run("rules", "check")
        assert found.code == 0
        assert "warning]" in found.out

    def test_a_missing_file(self, files: Path) -> None:
        """It is a problem like others."""
        found = run("rules", "check", str(files / "none.yaml"))
        assert (found.code, "cannot be read" in found.out) == (1, True)

    def test_show(self, files: Path) -> None:
        """The file as it is, or with all defaults filled in."""
        file = str(files / "rules.yaml")
        assert RULES.strip() in run("rules", "show", file).out
        assert run("rules", "show", file, "--json").json["files"][0]["text"] == RULES
        assert "reopen_within: 30m" in run("rules", "show", file, "--expanded").out
        expanded = run("rules", "show", file, "--expanded", "--json").json
        assert expanded["routes"][0]["stale_after"] == "5h"

    def test_broken_rules_are_shown_to_nobody(self, files: Path) -> None:
        """What needs a set that can be used says where it cannot: exit 2."""
        rewrite(files / "rules.yaml", "say: holding", "sya: holding")
        for command in (["show"], ["vars", "--rules"], ["which", "{}", "--rules"]):
            found = run("rules", *command, str(files / "rules.yaml"))
            assert (found.code, found.out) == (2, "")
            assert f"{files}/rules.yaml:15:" in found.err

    def test_vars(self) -> None:
        """Every fact with type and example."""
        rows = run("rules", "vars", "--json").json
        assert {"name": "acked", "type": "true/false"}.items() <= rows[0].items()
        assert "alerts_firing >= 10" in run("rules", "vars").out

    @pytest.mark.parametrize(
        ("labels", "route"),
        [
            ('{service="checkout",severity="page"}', ("services", "checkout", "major", "public")),
            ('severity="critical"', ("serious", "", "major", "public")),
            ("{}", ("rest", "", "none", "internal")),
        ],
    )
    def test_which(self, labels: str, route: tuple[str, ...]) -> None:
        """Who would take an alert with these labels."""
        looks = run("rules", "which", labels, "--rules", str(STARTER), "--json").json
        assert all(one["why"] for one in looks)
        assert [one["taken"] for one in looks] == [False] * (len(looks) - 1) + [True]
        found = looks[-1]
        assert (found["route"], found["component"], found["impact"], found["plan"]) == route
        assert route[0] in run("rules", "which", labels, "--rules", str(STARTER)).out

    def test_annotations_of_a_pull_request(self, files: Path) -> None:
        """One workflow command a finding, with nothing that could end it early."""
        rewrite(files / "rules.yaml", "name: Checkout", 'name: "100%,\\n::error::Checkout", nme: x')
        found = run("rules", "check", str(files / "rules.yaml"), "--format", "github")
        (line,) = found.out.splitlines()
        place = f"::error file={files}/rules.yaml,line=5,col="
        assert (found.code, line.startswith(place)) == (1, True)
        assert ",title=R005::components[0].nme: is not known here; " in line

    @pytest.mark.parametrize("labels", ['{service=~"a|b"}', "service", '{service="a"'])
    def test_labels_that_are_none(self, labels: str) -> None:
        """A pattern is no label: exit 2 and what to write."""
        found = run("rules", "which", labels)
        assert (found.code, "write" in found.err) == (2, True)

    def test_schema(self) -> None:
        """A JSON Schema that names itself."""
        assert json.loads(run("rules", "schema").out)["title"] == "Tocsin rule file"
