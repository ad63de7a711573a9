# Stands in for nixpkgs where there is no network. Every name here exists in nixpkgs, too, and what is behind it is made
# from this machine's bash, python and a few tools; tests/test_flake.py writes where they are to machine.nix.
#
# It is stricter than it has to be: names, arguments and systems that nixpkgs refuses are refused here.
{
  outputs =
    _:
    let
      machine = import ./machine.nix;

      lib = {
        genAttrs =
          names: f:
          builtins.listToAttrs (
            map (name: {
              inherit name;
              value = f name;
            }) names
          );
        optional = condition: value: if condition then [ value ] else [ ];
        optionalAttrs = condition: attributes: if condition then attributes else { };
      };

      pythonPackages = [
        "torch"
        "numpy"
        "pyvista"
        "trimesh"
        "scikit-learn"
        "scipy"
        "markdown"
        "jinja2"
        "matplotlib"
        "pillow"
        "tqdm"
        "safetensors"
        "tokenizers"
        "tiktoken"
        "rich"
        "transformers"
        "markdown-it-py"
        "pytest"
        "pytest-xdist"
        "hypothesis"
        "playwright"
      ];

      packagesOf =
        system:
        let
          isLinux = builtins.match ".*-linux" system != null;

          build =
            name: attributes: script:
            derivation (
              attributes
              // {
                inherit name system script;
                inherit (machine) tools;
                builder = machine.bash;
                args = [
                  "-euc"
                  ''source $stdenv/setup; eval "$script"''
                ];
                stdenv = ./.; # nix develop, too, sources $stdenv/setup
                outputs = [ "out" ]; # and reads $outputs
              }
            );

          # A package of one executable, which is a script.
          executable =
            name: attributes: text:
            build name (attributes // { text = "#!${machine.bash}\n${text}\n"; }) ''
              mkdir -p $out/bin
              printf %s "$text" > $out/bin/${name}
              bash -n $out/bin/${name}
              chmod +x $out/bin/${name}
            ''
            // {
              meta.mainProgram = name;
            };
        in
        {
          stdenv.hostPlatform = {
            inherit system isLinux;
            isDarwin = !isLinux;
          };

          bashInteractive = executable "bash" { } ''exec ${machine.bash} "$@"''; # nix develop asks for it

          # A Python environment of its own, as in nixpkgs, though with all that this machine's has. The names that
          # were asked for stay readable.
          python3.withPackages =
            f:
            build "python3-env" { requested = f (lib.genAttrs pythonPackages (name: name)); } ''
              ${machine.python} -m venv --without-pip $out
              cp $stdenv/machine.pth $out/lib/python*/site-packages/
            '';

          # npm "installs" a viewer that can be told from the real one.
          nodejs = executable "npm" { } ''
            viewer=node_modules/@google/model-viewer
            mkdir -p $viewer/dist
            echo "// from the stub" > $viewer/dist/model-viewer.min.js
            echo "none" > $viewer/LICENSE
          '';

          ruff = executable "ruff" { } ":";
          pyright = executable "pyright" { } ":";
          nixfmt-tree = executable "treefmt" { } ":";
          chromium = if isLinux then executable "chromium" { } ":" else throw "chromium is not for ${system}";
          playwright-driver.browsers.override =
            {
              withFirefox ? true,
              withWebkit ? true,
            }:
            executable "browsers" { inherit withFirefox withWebkit; } ":";

          mkShell =
            {
              packages ? [ ],
              env ? { },
            }:
            build "nix-shell" (env // { nativeBuildInputs = packages; }) "mkdir $out";

          runCommand = name: attributes: script: build name attributes script;

          writeShellApplication =
            {
              name,
              text,
              runtimeInputs ? [ ],
            }:
            executable name { inherit runtimeInputs; } ''
              set -o errexit -o nounset -o pipefail
              export PATH="${builtins.concatStringsSep ":" (map (input: "${input}/bin") runtimeInputs)}:$PATH"
              ${text}
            '';
        };
    in
    {
      inherit lib;
      # More than the flake is for: which ones it picks is its own choice.
      legacyPackages = lib.genAttrs [
        "x86_64-linux"
        "aarch64-linux"
        "aarch64-darwin"
        "x86_64-darwin"
      ] packagesOf;
    };
}
