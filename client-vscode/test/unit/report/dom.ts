/** Pages as a browser reads them: by the parser of the HTML standard, not by looking at their text. */
import { type DefaultTreeAdapterTypes, parse } from "parse5";

type Node = DefaultTreeAdapterTypes.Node;
export type Element = DefaultTreeAdapterTypes.Element;

/** The page that was looked at last, and what is in it. */
let last: { readonly page: string; readonly elements: Element[] } = { page: "", elements: [] };

/** All elements of a page, in order. */
export function elementsOf(page: string): Element[] {
    if (last.page !== page) {
        last = { page, elements: allIn(page) };
    }
    return last.elements;
}

function allIn(page: string): Element[] {
    const found: Element[] = [];
    const visit = (node: Node): void => {
        if ("tagName" in node) {
            found.push(node);
        }
        if ("childNodes" in node) {
            node.childNodes.forEach(visit);
        }
    };
    visit(parse(page));
    return found;
}

/** Elements that begin no line of their own. */
const INLINE = new Set(["code", "span", "button"]);

/** What is read in an element, or a whole page: blocks are parted by a space, and what is hidden is left out. */
export function textOf(node: Node | string): string {
    return readIn(typeof node === "string" ? parse(node) : node)
        .replace(/\s+/g, " ")
        .trim();
}

function readIn(node: Node): string {
    if (node.nodeName === "#text") {
        return (node as DefaultTreeAdapterTypes.TextNode).value;
    }
    if (!("childNodes" in node) || ("tagName" in node && attribute(node, "hidden") !== undefined)) {
        return "";
    }
    const text = node.childNodes.map(readIn).join("");
    return "tagName" in node && !INLINE.has(node.tagName) ? ` ${text} ` : text;
}

/** All text of an element, with its white space as it is. */
export function rawTextOf(node: Node): string {
    if (node.nodeName === "#text") {
        return (node as DefaultTreeAdapterTypes.TextNode).value;
    }
    return "childNodes" in node ? node.childNodes.map(rawTextOf).join("") : "";
}

export function attribute(element: Element, name: string): string | undefined {
    return element.attrs.find((one) => one.name === name)?.value;
}

/** Elements with a class. */
export function withClass(page: string, name: string): Element[] {
    return elementsOf(page).filter((one) => attribute(one, "class")?.split(/\s+/).includes(name));
}

/** Elements of a tag. */
export function tagged(page: string, tag: string): Element[] {
    return elementsOf(page).filter((one) => one.tagName === tag);
}
