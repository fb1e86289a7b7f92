# SPDX-License-Identifier: EUPL-1.2
"""A CPAS's own software integrates people by the XML it has always spoken.

Given a CPAS whose software sends OCMWCPASManageAccess to `vigie-access` on its own machine,
when it registers, lists and unregisters a person, then the broker's directory says the same, and
every refusal comes with all its reasons at once. And when somebody sends what no such software
sends (entities, DOCTYPEs, a web page's request, no token), then nothing happens.

Method: a real broker, a real vigie-access under the institution's key; XML is written and read
by hand. What the XML says is compared with what the broker says on its own wire.
"""

import base64
import re
import signal
import socket
import subprocess
import threading
import unittest
import urllib.error
import urllib.request
import xml.etree.ElementTree as tree
from datetime import timedelta
from xml.sax.saxutils import escape

from vigie_test import BIN, PATIENCE_S, TODAY, Story, birth_date
from wire import person, proto

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
CONNECTOR = "http://ksz-bcss.fgov.be/connectors/WebServiceConnector"
SERVICE = "http://www.ksz-bcss.fgov.be/XSD/SSDN/Service"
COMMON = "http://www.ksz-bcss.fgov.be/XSD/SSDN/Common"
ACCESS = "http://www.ksz-bcss.fgov.be/XSD/SSDN/OCMW_CPAS/ManageAccess"
ANNE = person(1)
IN_A_MONTH = TODAY + timedelta(days=25)
OURS, OTHERS = "CPAS-21004", "CPAS-62063"


def ssdn(action, niss=ANNE, purpose=2, begin=TODAY, end=None, register="SECONDARY",
         birth=None):
    """The message as lino and the sector's PHP programs write it."""
    number = birth_date(niss) if birth is None else birth
    birth = f"{number // 10000:04d}-{number // 100 % 100:02d}-{number % 100:02d}"
    until = f'<c:EndDate xmlns:c="{COMMON}">{end}</c:EndDate>' if end else ""
    quality = f"<m:Purpose>{purpose}</m:Purpose>" if purpose else ""
    return (
        f'<SSDNRequest xmlns="{SERVICE}"><RequestContext><AuthorizedUser>'
        "<UserID>00901234567</UserID><Email>info@example.be</Email><OrgUnit>0212344876"
        "</OrgUnit><MatrixID>17</MatrixID><MatrixSubID>1</MatrixSubID></AuthorizedUser>"
        "<Message><Reference>ManageAccessRequest # 7</Reference><TimeRequest>20261120T101112"
        "</TimeRequest></Message></RequestContext><ServiceRequest><ServiceId>"
        "OCMWCPASManageAccess</ServiceId><Version>20050930</Version>"
        f'<m:ManageAccessRequest xmlns:m="{ACCESS}"><m:SSIN>{niss:011d}</m:SSIN>{quality}'
        f'<m:Period><c:StartDate xmlns:c="{COMMON}">{begin}</c:StartDate>{until}</m:Period>'
        f"<m:Action>{action}</m:Action><m:Sector>17</m:Sector>"
        f"<m:QueryRegister>{register}</m:QueryRegister><m:ProofOfAuthentication><m:PersonData>"
        f"<m:LastName>DUPONT</m:LastName><m:BirthDate>{birth}</m:BirthDate></m:PersonData>"
        "</m:ProofOfAuthentication></m:ManageAccessRequest></ServiceRequest></SSDNRequest>")


def in_soap(message):
    return f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{message}</s:Body></s:Envelope>'


def by_connector(message):
    """sendXML of the service's WSDL: the whole document as one string."""
    return in_soap(f'<w:xmlString xmlns:w="{CONNECTOR}">{escape(message)}</w:xmlString>')


class Reply:
    """What a client reads in an SSDNReply."""

    def __init__(self, root):
        def text(path, node=root):
            found = node.find(path)
            return None if found is None else found.text

        context, service = root.find(f"{{{SERVICE}}}ReplyContext"), \
            root.find(f"{{{SERVICE}}}ServiceReply")
        summary = (context if service is None else service).find(f"{{{COMMON}}}ResultSummary")
        self.ok = summary.get("ok")
        self.code = int(text(f"{{{COMMON}}}ReturnCode", summary))
        self.details = [(text(f"{{{COMMON}}}Severity", d), text(f"{{{COMMON}}}ReasonCode", d),
                         text(f".//{{{COMMON}}}FieldName", d),
                         text(f"{{{COMMON}}}Diagnostic", d))
                        for d in summary.findall(f"{{{COMMON}}}Detail")]
        self.ticket = text(f".//{{{SERVICE}}}Ticket")
        self.reference = text(f".//{{{SERVICE}}}Reference")
        self.registrations = sorted(
            (text(f"{{{ACCESS}}}Register", r), text(f"{{{ACCESS}}}OrgUnit", r),
             int(text(f"{{{ACCESS}}}Purpose", r)), text(f".//{{{COMMON}}}StartDate", r),
             text(f".//{{{COMMON}}}EndDate", r))
            for r in root.iter(f"{{{ACCESS}}}Registrations"))

    def reasons(self):
        return [reason for _, reason, _, _ in self.details]


class Adapter:
    """One vigie-access."""

    def __init__(self, key, *words):
        self.process = subprocess.Popen(
            [str(BIN / "vigie-access"), "--key", key, "--listen", "127.0.0.1:0", *words],
            stderr=subprocess.PIPE, text=True)
        self.lines = []
        line = self.process.stderr.readline()
        self.lines.append(line)
        found = re.search(r"event=ready http=(\S+)", line)
        assert found, line
        self.address = found.group(1)
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        with self.process.stderr as pipe:
            self.lines += pipe

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(PATIENCE_S)
        self.reader.join(PATIENCE_S)
        return status

    def memory_kib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1))

    def post(self, body, **headers):
        """(HTTP status, the answer's bytes)"""
        request = urllib.request.Request(
            f"http://{self.address}/connectors/webservice/KSZBCSSWebServiceConnectorPort",
            data=body if isinstance(body, bytes) else body.encode(), method="POST",
            headers={"Content-Type": "text/xml; charset=utf-8",
                     **{name.replace("_", "-"): value for name, value in headers.items()}})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


class ManageAccess(Story):
    institutions = {OURS: "member", OTHERS: "member"}
    keeps_ports = True

    def setUp(self):
        super().setUp()
        self.adapter = self.start_adapter("--no-token")

    def start_adapter(self, *words):
        adapter = Adapter(self.key_file(OURS, "member"), *words)
        self.addCleanup(lambda: self.assertEqual(adapter.stop(), 0))
        return adapter

    def says(self, message):
        """Sends a bare message; gives the Reply."""
        status, text = self.adapter.post(message)
        self.assertEqual(status, 200, text)
        return Reply(tree.fromstring(text))

    def follows(self, niss=ANNE):
        """(institution, quality, begin, end) of the person on the broker's own wire."""
        with self.member(OTHERS) as member:
            reply = member.ask(consult=proto.Consult(
                niss=niss, level=proto.Consult.SECONDARY,
                proof=proto.Proof(birth_date=birth_date(niss))))
        return sorted((row.institution, row.quality, row.begin, row.end)
                      for row in reply.integrations)

    # ---- the story ----

    def test_register_list_unregister(self):
        # When the software registers Anne, then the broker knows it, with a ticket.
        first = self.says(ssdn("REGISTER", end=IN_A_MONTH))
        self.assertEqual((first.ok, first.code, first.details), ("YES", 0, []))
        self.assertEqual(first.reference, "ManageAccessRequest # 7")
        days = (int(f"{TODAY:%Y%m%d}"), int(f"{IN_A_MONTH:%Y%m%d}"))
        self.assertEqual(self.follows(), [(OURS, 2, *days)])

        # When it repeats itself, then nothing changes and the ticket is another.
        again = self.says(ssdn("REGISTER", end=IN_A_MONTH))
        self.assertNotEqual(again.ok, "NO")
        self.assertGreater(int(again.ticket), int(first.ticket))
        self.assertEqual(self.follows(), [(OURS, 2, *days)])

        # Given another CPAS that guides her, when ours lists, then each level says its own.
        self.integrate(OTHERS, ANNE, quality=7, begin=TODAY, end=IN_A_MONTH)
        ours = ("SECONDARY", "21004", 2, f"{TODAY}", f"{IN_A_MONTH}")
        theirs = ("SECONDARY", "62063", 7, f"{TODAY}", f"{IN_A_MONTH}")
        sector = ("PRIMARY", "17", 0, f"{TODAY}", f"{IN_A_MONTH}")
        for register, wanted in (("PRIMARY", [sector]), ("SECONDARY", [ours, theirs]),
                                 ("ALL", [sector, ours, theirs])):
            found = self.says(ssdn("LIST", purpose=None, register=register))
            self.assertEqual((found.ok, found.registrations), ("YES", wanted))
        # ... of one purpose, and of a period in which nobody follows her.
        self.assertEqual(self.says(ssdn("LIST", purpose=7)).registrations, [theirs])
        later = IN_A_MONTH + timedelta(days=1)
        self.assertEqual(self.says(ssdn("LIST", begin=later)).registrations, [])

        # When it registers her for what the other does too, then it is done and told of it.
        warned = self.says(ssdn("REGISTER", purpose=7, end=IN_A_MONTH))
        self.assertEqual((warned.ok, warned.code), ("WARNING", 1))
        self.assertIn(theirs, warned.registrations)
        self.assertEqual([detail[:2] for detail in warned.details], [("WARNING", "OVERLAPS")])

        # When it unregisters her, without any proof, then only the other is left.
        for purpose in (2, 7):
            gone = self.says(re.sub("<m:Proof.*</m:ProofOfAuthentication>", "",
                                    ssdn("UNREGISTER", purpose=purpose)))
            self.assertEqual(gone.ok, "YES")
        self.assertEqual(self.follows(), [(OTHERS, 7, *days)])
        self.assertEqual(self.says(ssdn("UNREGISTER")).reasons(), ["NOT_FOUND"])

    def test_each_wrapping_is_answered_in_kind(self):
        status, text = self.adapter.post(in_soap(ssdn("REGISTER")), SOAPAction='""')
        body = tree.fromstring(text).find(f"{{{SOAP}}}Body")
        self.assertEqual((status, Reply(body[0]).ok), (200, "YES"))
        status, text = self.adapter.post(by_connector(ssdn("LIST")), SOAPAction='"sendXML"')
        string = tree.fromstring(text).find(f"{{{SOAP}}}Body/{{{CONNECTOR}}}xmlString")
        reply = Reply(tree.fromstring(string.text))
        self.assertEqual((status, reply.ok, len(reply.registrations)), (200, "YES", 1))

    # ---- refusals ----

    def test_a_refusal_has_all_its_reasons(self):
        # Given a wrong birth date, a quality of nobody and a day too far: three reasons.
        refused = self.says(ssdn("REGISTER", purpose=777, birth=19010101,
                                 begin=TODAY + timedelta(days=800)))
        self.assertEqual((refused.ok, refused.code), ("NO", 10000))
        self.assertEqual(sorted(refused.reasons()),
                         ["PROOF_WRONG", "TOO_FAR", "UNKNOWN_QUALITY"])
        self.assertEqual({field for _, _, field, _ in refused.details},
                         {"BirthDate", "StartDate", "Purpose"})
        self.assertIsNotNone(refused.ticket) # it was asked, and is in the journal
        # Given a message whose form is wrong: all of that, and the broker is not asked.
        broken = self.says(ssdn("REMOVE", purpose="x", begin="20/11/2026", end="soon"))
        self.assertEqual([field for _, _, field, _ in broken.details],
                         ["Purpose", "StartDate", "EndDate", "Action"])
        self.assertIsNone(broken.ticket)
        self.assertEqual(self.follows(), [])

    def test_the_broker_away_is_a_fault_and_its_return_needs_no_hand(self):
        self.broker.stop()
        status, text = self.adapter.post(in_soap(ssdn("REGISTER")), SOAPAction='""')
        self.assertEqual(status, 500)
        self.assertIn(b"<faultcode>s:Server</faultcode>", text)
        self.broker.start()
        self.assertEqual(self.says(ssdn("REGISTER")).ok, "YES")
        # And when it is killed in the midst of the day, the repeat finds what was answered.
        self.broker.kill()
        self.broker.start()
        self.assertEqual(len(self.says(ssdn("LIST")).registrations), 1)
        self.assertNotEqual(self.says(ssdn("REGISTER")).ok, "NO")

    # ---- what no such software sends ----

    def assertFaulted(self, message, words):
        """Bare and in SOAP: refused with these words, nothing asked, nothing told."""
        status, text = self.adapter.post(message)
        self.assertEqual(status, 400, text)
        self.assertEqual(Reply(tree.fromstring(text)).ok, "NO")
        self.assertIn(words, text.decode())
        status, text = self.adapter.post(message, SOAPAction='""')
        self.assertEqual(status, 500)
        self.assertIn("<faultcode>s:Client</faultcode>", text.decode())
        return text.decode()

    def test_entities_doctypes_and_giants(self):
        secret = self.folder / "secret"
        secret.write_text("TOP-SECRET")
        with socket.create_server(("127.0.0.1", 0)) as trap:
            trap.setblocking(False)
            port = trap.getsockname()[1]
            for declared in (f'<!ENTITY e SYSTEM "file://{secret}">',
                             f'<!ENTITY e SYSTEM "http://127.0.0.1:{port}/e">',
                             f'<!ENTITY % p SYSTEM "http://127.0.0.1:{port}/p"> %p;'):
                text = self.assertFaulted(
                    f"<!DOCTYPE a [{declared}]>" +
                    ssdn("REGISTER").replace("DUPONT", "&e;"), "DOCTYPE")
                self.assertNotIn("TOP-SECRET", text)
            self.assertFaulted(
                f'<!DOCTYPE a SYSTEM "http://127.0.0.1:{port}/a.dtd">' + ssdn("LIST"),
                "DOCTYPE")
            with self.assertRaises(BlockingIOError): # nobody came
                trap.accept()
        before = self.adapter.memory_kib()
        bomb = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 12))
        self.assertFaulted(f'<!DOCTYPE a [<!ENTITY e0 "lol">{bomb}]>' +
                           ssdn("REGISTER").replace("DUPONT", "&e11;"), "DOCTYPE")
        self.assertFaulted("<a>" * 5000 + "</a>" * 5000, "deep")
        self.assertFaulted(ssdn("REGISTER").replace("DUPONT", "&unknown;"), "well-formed")
        # The same inside the connector's string.
        status, text = self.adapter.post(by_connector(
            "<!DOCTYPE a [<!ENTITY e 'x'>]>" + ssdn("REGISTER")))
        self.assertEqual(status, 500)
        self.assertIn(b"DOCTYPE", text)
        self.assertEqual(self.adapter.post(b" " * (65 << 10))[0], 413)
        self.assertLess(self.adapter.memory_kib() - before, 8 << 10)
        self.assertEqual(self.follows(), [])

    def test_neither_strangers_nor_web_pages_may_ask(self):
        token = self.folder / "access-token"
        token.touch(mode=0o600)
        token.write_text("sixteen-letters-or-more\n")
        guarded = self.start_adapter("--token-file", str(token))
        message = ssdn("LIST")
        basic = base64.b64encode(b"anybody:sixteen-letters-or-more").decode()
        wrong = base64.b64encode(b"anybody:sixteen-letters-or-less").decode()
        self.assertEqual(guarded.post(message)[0], 401)
        self.assertEqual(guarded.post(message, Authorization=f"Basic {wrong}")[0], 401)
        self.assertEqual(guarded.post(message, Authorization="Bearer nothing")[0], 401)
        self.assertEqual(guarded.post(message, Authorization=f"Basic {basic}")[0], 200)
        self.assertEqual(guarded.post(
            message, Authorization="Bearer sixteen-letters-or-more")[0], 200)
        # A page in a browser on this machine, with the token or where none is wanted.
        for adapter in (guarded, self.adapter):
            right = {"Authorization": f"Basic {basic}"}
            self.assertEqual(adapter.post(message, Origin="http://x.example", **right)[0], 403)
            self.assertEqual(adapter.post(message, Host="x.example", **right)[0], 403)
            self.assertEqual(adapter.post(message, Content_Type="text/plain", **right)[0], 415)
        # A file that others may read, and an address that others can reach.
        token.chmod(0o644)
        for words in (["--token-file", str(token)], [], ["--no-token", "--listen", "0.0.0.0:0"],
                      ["--no-token", "--token-file", str(token)]):
            done = subprocess.run(
                [str(BIN / "vigie-access"), "--key", self.key_file(OURS, "member"), *words],
                capture_output=True, text=True, timeout=PATIENCE_S, check=False)
            self.assertIn(done.returncode, (1, 2), done.stderr)

    def test_nobody_reads_of_persons_in_the_log(self):
        self.says(ssdn("REGISTER"))
        self.says(ssdn("REGISTER", birth=19010101))
        self.adapter.post(f"<a>{ANNE:011d}</b>")
        self.assertEqual(self.adapter.stop(), 0)
        said = "".join(self.adapter.lines)
        self.assertIn("action=REGISTER result=YES ticket=", said)
        self.assertNotIn(f"{ANNE:011d}", said)
        self.assertNotIn("DUPONT", said)
        self.assertNoPersonInLog(ANNE)


if __name__ == "__main__":
    unittest.main()
