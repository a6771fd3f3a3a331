import { Place } from "../place";
import { Form, TextTest } from "../text-test";

const FORMS: string[] = ["exact", "prefix", "suffix", "contains", "safe_regex"];
/** As in `FORMS`. */
const KINDS: Form[] = [Form.Exact, Form.Prefix, Form.Suffix, Form.Contains, Form.Regex];

/** Envoy's StringMatcher. */
export function readText(place: Place): TextTest {
  const form = place.oneOf(FORMS, ["ignore_case"]);
  if (form == "") {
    place.fail("needs a way to match");
    return new TextTest(Form.Exact, "");
  }
  return readForm(place.at(form), KINDS[FORMS.indexOf(form)], place.at("ignore_case").flag());
}

/** The text of one way to match. */
export function readForm(place: Place, form: Form, ignoreCase: bool = false): TextTest {
  if (form == Form.Exact) return new TextTest(form, place.text(), ignoreCase);
  if (form != Form.Regex) return new TextTest(form, place.word(), ignoreCase);
  return new TextTest(form, place.isObject(["google_re2", "regex"]) ? place.at("regex").word() : "");
}
