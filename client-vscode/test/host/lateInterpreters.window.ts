import type { Window } from "../support/window";

export default {
    stubs: ["ms-python.vscode-python-envs", "ms-python.python"],
    environment: { STUB_ENVIRONMENTS: "fails", STUB_PYTHON: "4500", STUB_PYTHON_PATH: "/bin/sh" },
} satisfies Window;
