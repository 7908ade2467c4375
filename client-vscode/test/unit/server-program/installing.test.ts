/** How pip is run, what it tells, and what its errors mean. */
import assert from "node:assert/strict";

import {
    countRequirements,
    failureOf,
    failureText,
    pipArguments,
    pipVariables,
    plainVariables,
    stepOf,
    withWheel,
} from "../../../src/server/pure/installing";

const REQUIREMENTS = `attrs==26.1.0 \\
    --hash=sha256:c647 \\
    --hash=sha256:d03c
    # via cattrs
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:08695
`;

describe("what pip is given", () => {
    it("is hashed files alone, and no source, for this environment alone", () => {
        const args = pipArguments("/e/r.txt", "/e");
        for (const arg of ["--require-hashes", "--only-binary=:all:", "--prefix=/e", "--requirement=/e/r.txt"]) {
            assert.ok(args.includes(arg), arg);
        }
    });

    it("is the user's index and proxy, and nothing that would lead elsewhere", () => {
        const given = pipVariables({
            PATH: "/bin",
            HTTPS_PROXY: "http://proxy:1",
            PIP_INDEX_URL: "https://index/simple",
            PIP_FIND_LINKS: "/wheels",
            PIP_CERT: "/ca",
            PIP_CONSTRAINT: "/mine",
            PIP_NO_BINARY: ":all:",
            PIP_REQUIRE_VIRTUALENV: "1",
            PYTHONPATH: "/mine",
            PYTHONHOME: "/mine",
            VIRTUAL_ENV: "/mine",
        });
        for (const name of ["PATH", "HTTPS_PROXY", "PIP_INDEX_URL", "PIP_FIND_LINKS", "PIP_CERT"]) {
            assert.ok(given[name], name);
        }
        for (const name of ["PIP_CONSTRAINT", "PIP_NO_BINARY", "PIP_REQUIRE_VIRTUALENV"]) {
            assert.equal(given[name], "", name);
        }
        assert.equal("PYTHONPATH" in given || "PYTHONHOME" in given || "VIRTUAL_ENV" in given, false);
    });

    it("is tried twice at least, without which pip does not tell that there is no connection", () => {
        assert.equal(pipVariables({})["PIP_RETRIES"], "2");
        assert.equal(pipVariables({ PIP_RETRIES: "0" })["PIP_RETRIES"], "1");
        assert.equal(pipVariables({ PIP_RETRIES: "7" })["PIP_RETRIES"], "7");
    });

    it("leaves the editor's own variables as they are", () => {
        const variables = { PYTHONPATH: "/mine", HOME: "/home/ann" };
        assert.deepEqual(plainVariables(variables), { HOME: "/home/ann" });
        assert.deepEqual(variables, { PYTHONPATH: "/mine", HOME: "/home/ann" });
    });

    it("has the wheel among the requirements, with its hash", () => {
        assert.equal(
            withWheel(REQUIREMENTS, "file:///a%20b/testwright-1.whl", "abc").split("\n").at(-2),
            "testwright @ file:///a%20b/testwright-1.whl --hash=sha256:abc",
        );
        assert.equal(countRequirements(withWheel(REQUIREMENTS, "file:///w", "abc")), 3);
    });
});

describe("what pip does", () => {
    it("is told in words", () => {
        assert.equal(stepOf("Collecting attrs==26.1.0 (from -r /r.txt (line 4))", 0, 3), "fetching attrs (1 of 3)");
        assert.equal(
            stepOf("Processing /files/pydantic_core-2.50.5-cp311-manylinux.whl (from -r r)", 1, 3),
            "fetching pydantic_core (2 of 3)",
        );
        assert.equal(stepOf("Installing collected packages: attrs, click", 3, 3), "installing");
    });

    it("is not told where it means nothing to a person", () => {
        for (const line of [
            "",
            "  Downloading attrs-26.1.0-py3-none-any.whl (60 kB)",
            "Looking in indexes: https://user:secret@host",
        ]) {
            assert.equal(stepOf(line, 0, 3), undefined, line);
        }
    });

    it("never counts beyond what there is", () => {
        assert.equal(stepOf("Collecting click", 7, 3), "fetching click (3 of 3)");
    });
});

/** As pip 23 and 24 have written them. */
const SAID = {
    offline:
        "WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection broken by " +
        "'NewConnectionError('<pip._vendor.urllib3.connection.HTTPConnection object at 0x7f>: Failed to establish a new connection: " +
        "[Errno 111] Connection refused')': /attrs/\nERROR: Could not find a version that satisfies the requirement attrs==26.1.0\n" +
        "ERROR: No matching distribution found for attrs==26.1.0",
    certificate:
        "Could not fetch URL https://index/simple/attrs/: There was a problem confirming the ssl certificate: HTTPSConnectionPool(host='index', " +
        "port=443): Max retries exceeded with url: /simple/attrs/ (Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]')))",
    proxy: "Max retries exceeded (Caused by ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407 Proxy Authentication Required')))",
    missing:
        "ERROR: Could not find a version that satisfies the requirement pydantic-core==2.50.5 (from versions: none)\n" +
        "ERROR: No matching distribution found for pydantic-core==2.50.5 (from -r r.txt (line 3))",
    hash: "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the package versions",
    space: "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
    permission: "ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: '/x'",
    unknown: "ERROR: Exception:\nTraceback (most recent call last):",
} as const;

describe("an error of pip", () => {
    for (const [failure, said] of Object.entries(SAID)) {
        it(`is understood: ${failure}`, () => {
            assert.equal(failureOf(said), failure);
            const text = failureText(failureOf(said), said, "Python 3.15.0");
            assert.match(text, /^Testwright could not set up its Python environment: .*\.$/);
            assert.doesNotMatch(text, /Traceback|ERROR|\n/);
        });
    }

    it("names what is missing, and for which Python", () => {
        assert.match(
            failureText("missing", SAID.missing, "Python 3.15.0"),
            /no pydantic-core==2\.50\.5 for Python 3\.15\.0/,
        );
    });

    it("never repeats an index's address, which may hold a password", () => {
        const said = "Looking in indexes: https://ann:secret@index/simple\n" + SAID.offline;
        assert.doesNotMatch(failureText(failureOf(said), said, "Python 3.12.1"), /secret/);
    });
});
