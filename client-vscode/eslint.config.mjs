import js from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
    { ignores: ["dist/", "out/", "node_modules/"] },
    js.configs.recommended,
    {
        files: ["src/**/*.ts", "test/**/*.ts"],
        extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
        languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
        rules: {
            // Numbers in sentences are numbers.
            "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
            "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
            "@typescript-eslint/switch-exhaustiveness-check": "error",
            "@typescript-eslint/promise-function-async": "error",
            // A promise that nobody waits for is written `void`, so that it is seen to be meant.
            "@typescript-eslint/no-floating-promises": ["error", { ignoreVoid: true }],
            // The editor's API declares classes where it takes any object of that shape (`Disposable`).
            "@typescript-eslint/no-unsafe-class-instance-assignment": "off",
            eqeqeq: "error",
            "no-console": "error",
        },
    },
    {
        files: ["scripts/**/*.mjs", "test/**/*.ts"],
        rules: { "no-console": "off" },
        languageOptions: { globals: { process: "readonly", console: "readonly" } },
    },
    // What is decided without the editor is tested without it.
    {
        files: ["src/**/pure/*.ts", "test/unit/**/*.ts"],
        rules: { "no-restricted-imports": ["error", "vscode", "vscode-languageclient"] },
    },
);
