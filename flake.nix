# nix develop      enters a shell in which python gpt.py and the tests run
# nix run          publishes the article in ./docs
# nix flake check  builds the command and runs the tests that need neither npm's packages nor much time
# nix fmt          formats this file
{
  description = "A GPT so small that every number in it can be put on display, in 3D";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "aarch64-darwin"
      ];
      eachSystem = f: lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});

      # requirements.txt, in the versions that nixpkgs has
      needed =
        ps: with ps; [
          torch
          numpy
          pyvista
          trimesh
          scikit-learn
          scipy
          markdown
          jinja2
          matplotlib
          pillow
          tqdm
          safetensors
          tokenizers
          tiktoken
          rich
        ];
      # tests/requirements.txt, but for ruff, which nixpkgs has among the tools
      neededByTests =
        ps: with ps; [
          pytest
          pytest-xdist
          hypothesis
          playwright
          transformers
          markdown-it-py
        ];

      tools = pkgs: [
        (pkgs.python3.withPackages (ps: needed ps ++ neededByTests ps))
        pkgs.nodejs
        pkgs.ruff
        pkgs.pyright
      ];
    in
    {
      devShells = eachSystem (
        pkgs:
        let
          inherit (pkgs.stdenv.hostPlatform) isLinux;
        in
        {
          default = pkgs.mkShell {
            packages = tools pkgs ++ lib.optional isLinux pkgs.chromium;
            # nixpkgs has no Chromium for macOS; Playwright's own runs there.
            env = lib.optionalAttrs (!isLinux) {
              PLAYWRIGHT_BROWSERS_PATH = pkgs.playwright-driver.browsers.override {
                withFirefox = false;
                withWebkit = false;
              };
            };
          };
        }
      );

      packages = eachSystem (pkgs: {
        default = pkgs.writeShellApplication {
          name = "vitrine";
          runtimeInputs = [
            (pkgs.python3.withPackages needed)
            pkgs.nodejs
          ];
          # The job lets npm install the viewer beside its own files, and the store is read-only: it runs in a copy.
          # A second --out overrides the first, so the caller's own counts.
          text = ''
            copy=$(mktemp -d "''${TMPDIR:-/tmp}/vitrine.XXXXXX")
            trap 'chmod -R u+w "$copy" && rm -rf "$copy"' EXIT
            cp -R ${self}/. "$copy"
            chmod -R u+w "$copy"
            case "''${1-}" in "" | -*) set -- --out "$PWD/docs" "$@" ;; esac
            python "$copy/gpt.py" "$@"
          '';
        };
      });

      checks = eachSystem (pkgs: {
        # Building it is a check, too: nixpkgs runs ShellCheck over it.
        command = self.packages.${pkgs.stdenv.hostPlatform.system}.default;
        tests = pkgs.runCommand "vitrine-tests" { nativeBuildInputs = tools pkgs; } ''
          cp -R ${self} source
          chmod -R u+w source
          cd source
          HOME=$TMPDIR python -m pytest -n 2 --dist worksteal -m "not slow and not npm"
          touch $out
        '';
      });

      formatter = eachSystem (pkgs: pkgs.nixfmt-tree);
    };
}
