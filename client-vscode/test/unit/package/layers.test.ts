/** Which parts of the extension may know which: data flows one way, and what is pure knows nothing of the editor. */
import * as assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** Whether only types are taken, which is nothing when the program runs. */
interface Import {
    readonly from: string;
    readonly to: string;
    readonly isOfTypes: boolean;
}

const src = resolve("src");
const files = readdirSync(src, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .sort();
const imports = files.flatMap((from) => importsOf(from, readFileSync(join(src, from), "utf8")));

/** The imports of a module: of modules of ours by their paths below src/, of others by their names. */
function importsOf(from: string, source: string): Import[] {
    const found: Import[] = [];
    for (const [, what = "", name = ""] of source.matchAll(/^(?:import|export)\s+([^;"']*?)\s*from\s+"([^"]+)";/gms)) {
        const named = /^\{(.*)\}$/s
            .exec(what)?.[1]
            ?.split(",")
            .map((part) => part.trim());
        const isOfTypes =
            what.startsWith("type ") ||
            (named?.filter((part) => part !== "").every((part) => part.startsWith("type ")) ?? false);
        found.push({ from, to: name.startsWith(".") ? pathOf(from, name) : name, isOfTypes });
    }
    return found;
}

function pathOf(from: string, name: string): string {
    const path = join(dirname(from), name);
    const file = files.find((one) => one === `${path}.ts`);
    assert.ok(file !== undefined || existsSync(join(src, path)), `${from} imports ${name}, which is not there`);
    return file ?? path;
}

const isPure = (file: string): boolean => file.split("/").includes("pure");

/** Imports that break a rule, for a person. */
function those(breaks: (one: Import) => boolean): string[] {
    return imports.filter(breaks).map(({ from, to }) => `${from} → ${to}`);
}

describe("the modules of src/", () => {
    it("were read", () => {
        assert.ok(files.length > 40);
        assert.ok(imports.length > 150);
        assert.deepEqual(importsOf("a.ts", 'import { type A, type B } from "x";\nexport { c } from "y";'), [
            { from: "a.ts", to: "x", isOfTypes: true },
            { from: "a.ts", to: "y", isOfTypes: false },
        ]);
    });

    it("make no circle", () => {
        const next = new Map<string, string[]>();
        for (const { from, to, isOfTypes } of imports) {
            if (!isOfTypes) {
                next.set(from, [...(next.get(from) ?? []), to]);
            }
        }
        const done = new Set<string>();
        const visit = (file: string, way: readonly string[]): void => {
            assert.ok(!way.includes(file), [...way, file].join(" → "));
            if (!done.has(file)) {
                next.get(file)?.forEach((to) => {
                    visit(to, [...way, file]);
                });
                done.add(file);
            }
        };
        files.forEach((file) => {
            visit(file, []);
        });
    });

    it("that are pure know neither the editor, nor the language client, nor a module that does", () => {
        const isImpure = ({ from, to, isOfTypes }: Import): boolean =>
            isPure(from) &&
            (to.startsWith("vscode") || (files.includes(to) && !isPure(to) && !isOfTypes && to !== "protocol.ts"));
        assert.deepEqual(those(isImpure), []);
    });

    it("leave the language client to the one that is loaded when the server starts", () => {
        assert.deepEqual(
            those(({ from, to }) => to.startsWith("vscode-languageclient") && from !== "server/connection.ts"),
            [],
        );
        assert.deepEqual(
            those(({ to, isOfTypes }) => to === "server/connection.ts" && !isOfTypes),
            [],
        );
    });

    it("of the server know nothing of what is shown", () => {
        const isUpwards = ({ from, to }: Import): boolean =>
            from.startsWith("server/") && /^(?:agent|commands|runs|coverage|report)\//.test(to);
        assert.deepEqual(those(isUpwards), []);
    });

    it("hold the server by what server.ts says of it", () => {
        const inner = /^server\/(?:lifecycle|connection|launch|process|environment|changes|trace)\.ts$/;
        const isPast = ({ from, to }: Import): boolean =>
            inner.test(to) && !from.startsWith("server/") && from !== "extension.ts";
        assert.deepEqual(those(isPast), []);
    });

    it("of the report's page know only what goes to the page and comes from it", () => {
        assert.deepEqual(
            those(({ from, to }) => from.startsWith("report/page/") && !/^report\/(?:page|pure)\//.test(to)),
            [],
        );
    });

    it("reach no network", () => {
        assert.deepEqual(
            those(({ to }) => /^(?:node:)?(?:https?|http2|net|tls|dgram|dns)$/.test(to)),
            [],
        );
        const reaching = files.filter((file) => /\b(?:fetch|WebSocket|XMLHttpRequest)\(/.test(withoutMethods(file)));
        assert.deepEqual(reaching, []);
    });

    it("tell nobody what the user does", () => {
        const telling = files.filter((file) => /telemetry/i.test(readFileSync(join(src, file), "utf8")));
        assert.deepEqual(telling, []);
    });
});

/** The source without methods of our own that have such a name. */
function withoutMethods(file: string): string {
    return readFileSync(join(src, file), "utf8").replaceAll(/(?:\.|#|async )#?fetch\(/g, "");
}
