import assert from "node:assert/strict";

import { Claims } from "../../../src/runs/pure/claims";
import { finished } from "./samples";

describe("who tells how a run has ended", () => {
    it("is the message, when nobody has claimed it", () => {
        assert.equal(new Claims().holds(finished()), false);
    });

    it("is who has claimed the module's next run, whichever that is", () => {
        const claims = new Claims();
        claims.claim("file:///w/shop/pricing.py");
        assert.equal(claims.holds(finished()), true);
        assert.equal(claims.holds(finished({ uri: "file:///w/shop/other.py" })), false);
        assert.equal(claims.holds(finished({ kind: "judge", run: "judge-1" })), false);
    });

    it("is who has claimed this run, and not another of the module", () => {
        const claims = new Claims();
        claims.claim("file:///w/shop/pricing.py").run = "generate-2";
        assert.equal(claims.holds(finished({ run: "generate-1" })), false);
        assert.equal(claims.holds(finished({ run: "generate-2" })), true);
    });

    it("is the message again, when the claim is given up", () => {
        const claims = new Claims();
        const [first, second] = [claims.claim("file:///w/shop/pricing.py"), claims.claim("file:///w/shop/pricing.py")];
        first.dispose();
        assert.equal(claims.holds(finished()), true);
        second.dispose();
        assert.equal(claims.holds(finished()), false);
    });
});
