/** What the extension host says, before any test, when the window has none of the folders that it was opened with. */
export const NO_FOLDER = "The window has no folder.\n";
