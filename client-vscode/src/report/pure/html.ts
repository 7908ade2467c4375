/**
 * Markup into which no text can break in.
 *
 * What is shown comes from modules, tests and exceptions that others wrote. It is told as text; markup is only what the
 * templates of this extension say.
 */

/** Markup that a template made. */
export class Markup {
    constructor(private readonly text: string) {}

    toString(): string {
        return this.text;
    }
}

/** What may stand in a template: text, which is escaped, and markup; nothing for what there is not. */
export type Content = string | number | Markup | null | undefined | false | readonly Content[];

const ENTITIES: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
    "`": "&#96;",
};

/**
 * Characters that are not shown, or that change the order in which others are: controls but tab and line feed, marks of
 * direction, and halves of a character.
 */
const INVISIBLE =
    // eslint-disable-next-line no-control-regex -- they are what is looked for
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Text as it is shown: what cannot be seen is told by its number. */
export function visible(text: string): string {
    return text
        .replaceAll("\r\n", "\n")
        .replace(INVISIBLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Text as content of an element or of an attribute in quotes. */
export function escaped(text: string): string {
    return visible(text).replace(/[&<>"'`]/g, (character) => ENTITIES[character] ?? "");
}

/** Line breaks of a template are layout of the source: they part words, but not elements and values. */
const LAYOUT = /\s*\n\s*/g;

/**
 * A template of markup: text that is put in is escaped, markup is taken as it is.
 *
 * Text may stand between tags and in quoted attributes, nowhere else.
 */
export function markup(parts: TemplateStringsArray, ...values: readonly Content[]): Markup {
    let text = "";
    parts.forEach((part, index) => {
        text += laidOut(part) + (index < values.length ? content(values[index]) : "");
    });
    return new Markup(text);
}

function laidOut(part: string): string {
    return part.replace(LAYOUT, (found, at: number) => {
        const before = part.charAt(at - 1);
        const after = part.charAt(at + found.length);
        return (before === "" || before === ">") && (after === "" || after === "<") ? "" : " ";
    });
}

function content(value: Content): string {
    if (value === null || value === undefined || value === false) {
        return "";
    }
    if (value instanceof Markup) {
        return value.toString();
    }
    if (typeof value === "string" || typeof value === "number") {
        return escaped(String(value));
    }
    return value.map(content).join("");
}
