/** Where a test stands in its file. */

/**
 * The line, from 0, of a test's definition; null when it is not there.
 *
 * @param name As the report has it: `test_total`, `test_total[1-2]`, `TestCart::test_total`.
 */
export function lineOfTest(text: string, name: string): number | null {
    const parts = name
        .replace(/\[[^]*$/, "")
        .split("::")
        .filter((part) => part !== "");
    const lines = text.split(/\r\n|\r|\n/);
    let from = 0;
    let indent = -1;
    let found: number | null = null;
    for (const [index, part] of parts.entries()) {
        const keyword = index < parts.length - 1 ? "class" : "(?:async\\s+)?def";
        const definition = new RegExp(
            `^(\\s*)${keyword}\\s+${part.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")}(?![\\p{L}\\p{N}_])`,
            "u",
        );
        const at = lines.findIndex((line, number) => {
            const match = number < from ? null : definition.exec(line);
            return match !== null && (match[1] ?? "").length > indent;
        });
        if (at < 0) {
            return null;
        }
        found = at;
        from = at + 1;
        indent = /^\s*/.exec(lines[at] ?? "")?.[0].length ?? 0;
    }
    return found;
}
