// Where the reader is: the fragment of the address holds the page and everything that was chosen on it.

function address(path, parameters = {}) {
  const chosen = Object.entries(parameters).filter(
    ([, value]) => value !== "" && value !== null && value !== undefined,
  );
  const query = chosen.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join("&");
  return `#/${path.split("/").map(encodeURIComponent).join("/")}${query ? `?${query}` : ""}`;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function place() {
  const fragment = location.hash.replace(/^#\/?/, "");
  const [path, query = ""] = fragment.split("?");
  const parts = path.split("/").map(decoded);
  const parameters = Object.create(null);
  for (const pair of query.split("&").filter(Boolean)) {
    const [name, value = ""] = pair.split("=");
    parameters[decoded(name)] = decoded(value);
  }
  return { page: parts[0], rest: parts.slice(1).join("/"), parameters };
}

// Keep what was chosen in the address without a new page in the history.
function keep(path, parameters) {
  history.replaceState(null, "", address(path, parameters));
}
