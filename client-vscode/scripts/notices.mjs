// What the licences of the packages in our bundles ask for: their names and texts, beside the extension.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const MARK = "node_modules/";

/**
 * The notices.
 *
 * @param {string} here The extension's folder.
 * @param {readonly string[]} inputs The files that went into the bundles, relative to it.
 * @throws {Error} A package has no licence that is told, so it must not be passed on.
 */
export function notices(here, inputs) {
    const parts = [
        "Testwright's extension contains parts of these packages. The wheel of its server contains none; what the server",
        "needs is fetched from the package index of the machine.",
    ];
    for (const folder of packagesOf(inputs)) {
        const { name, version, license } = JSON.parse(readFileSync(join(here, folder, "package.json"), "utf8"));
        const texts = readdirSync(join(here, folder)).filter((file) =>
            /^(licen[cs]e|notice|copying|thirdparty)/i.test(file),
        );
        if (typeof license !== "string" || texts.length === 0) {
            throw new Error(`${name} has no licence that can be passed on with it.`);
        }
        parts.push(`\n${"=".repeat(100)}\n${name} ${version} (${license})\n`);
        parts.push(...texts.sort().map((file) => readFileSync(join(here, folder, file), "utf8").trim()));
    }
    return `${parts.join("\n").replaceAll("\r\n", "\n")}\n`;
}

/** The folders of the packages that files are from, each once and in order. */
export function packagesOf(inputs) {
    const folders = new Set();
    for (const file of inputs.filter((file) => file.includes(MARK))) {
        const at = file.lastIndexOf(MARK) + MARK.length;
        const [first, second] = file.slice(at).split("/");
        folders.add(file.slice(0, at) + (first.startsWith("@") ? `${first}/${second}` : first));
    }
    return [...folders].sort();
}
