# Trims an OpenAPI 3.x or Swagger 2.0 description (JSON) to some operations and to what those refer
# to, without prose and examples:
#
#   jq --sort-keys -f trim.jq whole.json --args 'GET /alerts' 'POST /silences' >NAME.json
#
# Nothing else is changed, so that whatever is left is the vendor's own word.

# Words that say nothing about a request or an answer. What is below `properties` has a name of its
# own choice, and stays.
def bare:
  if type == "array" then map(bare)
  elif type == "object" then with_entries(
      if .key == "properties" and (.value | type) == "object" then .value |= map_values(bare)
      elif .key | IN("description", "summary", "example", "examples", "externalDocs", "tags",
                     "title", "x-github", "x-codegen-request-body-name") then empty
      else .value |= bare end)
  else . end;

# The addresses within the document that a value refers to.
def references: [.. | objects | .["$ref"]? | strings | select(startswith("#/"))] | unique;

def steps: ltrimstr("#/") | split("/") | map(gsub("~1"; "/") | gsub("~0"; "~"));

# Everything that a list of addresses leads to.
def closure($whole):
  { open: ., known: [] }
  | until(.open == [];
      .known += .open
      | .known as $known
      | .open = ([.open[] as $ref | $whole | getpath($ref | steps) | references[]]
                 | unique | . - $known))
  | .known;

. as $given
| (.info | { title, version, license }) as $info
| bare as $whole
| ($ARGS.positional | map(split(" ") | { method: (.[0] | ascii_downcase), path: .[1] })) as $kept
| ($whole | del(.paths, .components, .definitions, .parameters, .responses, .security, .webhooks, .["x-webhooks"])) as $frame
| (reduce $kept[] as $one ({};
    .[$one.path][$one.method] = ($whole.paths[$one.path][$one.method]
      // error("there is no \($one.method) \($one.path)"))
    | if $whole.paths[$one.path].parameters
      then .[$one.path].parameters = $whole.paths[$one.path].parameters else . end)) as $paths
| reduce ($paths | references | closure($whole))[] as $ref (
    $frame + { info: $info, paths: $paths };
    setpath($ref | steps; $whole | getpath($ref | steps)))
