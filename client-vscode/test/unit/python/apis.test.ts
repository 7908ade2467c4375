/** What other extensions answer, and what is made of it. */
import assert from "node:assert/strict";

import fc from "fast-check";

import {
    changedAddress,
    executablesOfActive,
    executablesOfEnvironment,
    isEnvironmentsApi,
    isPythonApi,
} from "../../../src/python/pure/apis";

const uri = (fsPath: string): object => ({ scheme: "file", fsPath });

describe("the Environments extension's answer", () => {
    it("names the program that runs the environment", () => {
        const environment = {
            environmentPath: uri("/shop/.venv"),
            sysPrefix: "/shop/.venv",
            execInfo: { run: { executable: "/shop/.venv/bin/python", args: [] } },
        };
        assert.equal(executablesOfEnvironment(environment)[0], "/shop/.venv/bin/python");
    });

    it("may run it through another program, whose name is no Python", () => {
        const environment = {
            environmentPath: uri("/conda/envs/shop"),
            sysPrefix: "/conda/envs/shop",
            execInfo: { run: { executable: "/conda/bin/conda", args: ["run", "-n", "shop", "python"] } },
        };
        const found = executablesOfEnvironment(environment);
        assert.ok(!found.includes("/conda/bin/conda"));
        assert.ok(found.includes("/conda/envs/shop/bin/python"));
    });

    it("may run it by a Python with arguments, which is another Python", () => {
        const run = { executable: "/usr/bin/python3", args: ["/opt/enter.py"] };
        assert.deepEqual(executablesOfEnvironment({ execInfo: { run } }), []);
    });
});

describe("the Python extension's answer", () => {
    it("is the executable that it resolves to", () => {
        const resolved = { path: "/shop/.venv", executable: { uri: uri("/shop/.venv/bin/python3") } };
        assert.equal(executablesOfActive({ path: "/shop/.venv" }, resolved)[0], "/shop/.venv/bin/python3");
    });

    it("is looked for in the folder where it is not resolved", () => {
        assert.ok(executablesOfActive({ path: "/shop/.venv" }, undefined).includes("/shop/.venv/bin/python"));
    });

    it("is none while it is only a name", () => {
        assert.deepEqual(executablesOfActive({ path: "python" }, undefined), []);
    });
});

describe("whatever is answered", () => {
    it("gives absolute paths or nothing, and never fails", () => {
        fc.assert(
            fc.property(fc.anything(), fc.anything(), (one, other) => {
                for (const path of [...executablesOfEnvironment(one), ...executablesOfActive(one, other)]) {
                    assert.ok(path.startsWith("/"));
                }
                changedAddress(one);
            }),
        );
    });

    it("is not taken for an API that it is not", () => {
        for (const exports of [undefined, null, "", {}, { environments: {} }, { getEnvironment: "yes" }]) {
            assert.equal(isEnvironmentsApi(exports), false);
            assert.equal(isPythonApi(exports), false);
        }
        assert.equal(isEnvironmentsApi({ getEnvironment: () => undefined }), true);
        assert.equal(
            isPythonApi({ environments: { getActiveEnvironmentPath: () => 0, resolveEnvironment: () => 0 } }),
            true,
        );
    });

    it("tells the folder of a change, by either extension's event", () => {
        assert.equal(changedAddress({ uri: uri("/shop"), old: undefined, new: {} })?.fsPath, "/shop");
        assert.equal(
            changedAddress({ id: "1", path: "/p", resource: { uri: uri("/shop"), name: "shop" } })?.fsPath,
            "/shop",
        );
        assert.equal(changedAddress({ id: "1", path: "/p", resource: undefined }), undefined);
    });
});
