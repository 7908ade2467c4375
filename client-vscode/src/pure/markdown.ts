/** Text in Markdown. */

/** Text that Markdown takes as it is, in one line. */
export function escaped(text: string): string {
    return text.replaceAll(/\s*[\r\n]+\s*/g, " ").replaceAll(/[\\`*_{}[\]<>|#~&]/g, "\\$&");
}
