/** The folders of the environments. */
import assert from "node:assert/strict";

import fc from "fast-check";

import {
    folderName,
    holderName,
    isHeld,
    isOfKit,
    kitName,
    readSeal,
    type Seal,
} from "../../../src/server/pure/folders";

const SEAL: Seal = { format: 1, version: "0.1.0", python: "Python 3.12.4", asked: "", packages: 61 };

describe("an environment's folder", () => {
    it("has another name when any of its makings is another", () => {
        const names = [
            kitName("0.1.0", Buffer.from("requirements"), Buffer.from("wheel")),
            kitName("0.1.1", Buffer.from("requirements"), Buffer.from("wheel")),
            kitName("0.1.0", Buffer.from("requirement"), Buffer.from("wheel")),
            kitName("0.1.0", Buffer.from("requirements"), Buffer.from("wheels")),
            kitName("0.1.0", Buffer.from("requirementsw"), Buffer.from("heel")),
        ];
        assert.equal(new Set(names).size, names.length);
        assert.equal(names[0], kitName("0.1.0", Buffer.from("requirements"), Buffer.from("wheel")));
    });

    it("is recognized by what it is made of", () => {
        const kit = kitName("0.1.0", Buffer.from("a"));
        assert.equal(isOfKit(folderName(kit, [3, 12, 4], "5f"), kit), true);
        assert.equal(isOfKit(folderName(kitName("0.1.0", Buffer.from("b")), [3, 12, 4], "5f"), kit), false);
        assert.match(folderName(kit, [3, 12, 4], "5f"), /^0\.1\.0-[0-9a-f]{12}-py3\.12-5f$/);
    });
});

describe("a seal", () => {
    it("is read as it was written", () => {
        assert.deepEqual(readSeal(JSON.stringify(SEAL)), SEAL);
    });

    it("is none when it is cut off, of another format, or something else", () => {
        const text = JSON.stringify(SEAL);
        for (const other of [text.slice(0, -1), "", "null", "[]", JSON.stringify({ ...SEAL, format: 2 })]) {
            assert.equal(readSeal(other), undefined, other);
        }
        for (const name of Object.keys(SEAL)) {
            assert.equal(readSeal(JSON.stringify({ ...SEAL, [name]: undefined })), undefined, name);
        }
    });
});

describe("who holds an environment", () => {
    it("is asked of the process, on this machine", () => {
        const name = holderName("ann-laptop.local", 4711);
        assert.equal(
            isHeld(name, "ann-laptop.local", (pid) => pid === 4711, 1e9),
            true,
        );
        assert.equal(
            isHeld(name, "ann-laptop.local", () => false, 0),
            false,
        );
    });

    it("is told by age alone, on another machine", () => {
        const name = holderName("desk", 4711);
        assert.equal(
            isHeld(name, "laptop", () => false, 3600),
            true,
        );
        assert.equal(
            isHeld(name, "laptop", () => true, 15 * 24 * 3600),
            false,
        );
    });

    it("is nobody when the file is none of ours", () => {
        for (const name of ["", ".DS_Store", "desk.", "desk.x", "desk.-1", "desk.0"]) {
            assert.equal(
                isHeld(name, "laptop", () => true, 0),
                false,
                name,
            );
        }
    });

    it("has a name that is the name of a file, whatever the machine is called", () => {
        fc.assert(
            fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 1, max: 4_194_304 }), (host, pid) => {
                const name = holderName(host, pid);
                assert.match(name, /^[A-Za-z0-9_-]*\.\d+$/);
                assert.equal(
                    isHeld(name, host, (asked) => asked === pid, 0),
                    true,
                );
            }),
        );
    });
});
