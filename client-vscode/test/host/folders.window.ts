import type { Window } from "../support/window";

export default {
    workspace: "two-folders",
    workspaceFile: "two.code-workspace",
    stubs: ["ms-python.python"],
} satisfies Window;
