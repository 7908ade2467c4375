/** Which Testwright may be the server. */
import assert from "node:assert/strict";

import fc from "fast-check";

import {
    compareVersions,
    isCompatible,
    parseAnswer,
    parseVersion,
    type Version,
    versionText,
} from "../../../src/server/pure/versions";

const version = fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99));

describe("versions", () => {
    it("are read from what a program answers", () => {
        assert.deepEqual(parseAnswer("testwright 0.1.0 (Python 3.11.7)\n"), [0, 1, 0]);
        assert.deepEqual(parseAnswer("a warning of 3.12.1\ntestwright, version 1.20.3rc1\n"), [1, 20, 3]);
        assert.deepEqual(parseVersion("2.7"), [2, 7, 0]);
    });

    it("are not read from another program's answer", () => {
        for (const answer of ["", "Python 3.11.7", "testwrightish 1.2.3", "not testwright 1.2.3", "testwright"]) {
            assert.equal(parseAnswer(answer), undefined, answer);
        }
    });

    it("come back from their text", () => {
        fc.assert(
            fc.property(version, (one) => {
                assert.deepEqual(parseVersion(versionText(one)), one);
            }),
        );
    });

    it("are ordered by numbers, not by letters", () => {
        const sorted: Version[] = [
            [0, 9, 12],
            [0, 10, 0],
            [0, 10, 1],
            [1, 0, 0],
        ];
        assert.deepEqual([...sorted].reverse().sort(compareVersions), sorted);
    });

    it("are compatible with our own release and newer ones, whatever the patch", () => {
        assert.equal(isCompatible([0, 3, 0], [0, 3, 7]), true);
        assert.equal(isCompatible([0, 4, 0], [0, 3, 7]), true);
        assert.equal(isCompatible([1, 0, 0], [0, 3, 7]), true);
        assert.equal(isCompatible([0, 2, 9], [0, 3, 0]), false);
        assert.equal(isCompatible([0, 9, 9], [1, 0, 0]), false);
        fc.assert(
            fc.property(version, version, (one, other) => {
                assert.ok(isCompatible(one, other) || isCompatible(other, one));
            }),
        );
    });
});
