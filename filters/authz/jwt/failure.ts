/**
 * Why a request is refused, in the words of Envoy's jwt_authn filter: they are the response's body, and stand in its details.
 * "" is no failure. Words that name a claim are put together where the claim is read.
 */
export const MISSING = "Jwt is missing";
export const EXPIRED = "Jwt is expired";
export const NOT_YET_VALID = "Jwt not yet valid";
export const BAD_FORMAT = "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections";
export const HEADER_BASE64 = "Jwt header is an invalid Base64url encoded";
export const HEADER_JSON = "Jwt header is an invalid JSON";
export const NO_ALGORITHM = "Jwt header [alg] field is required and must be a string";
export const UNKNOWN_ALGORITHM = "Jwt header [alg] is not supported";
export const BAD_KEY_ID = "Jwt header [kid] field is not a string";
export const PAYLOAD_BASE64 = "Jwt payload is an invalid Base64url encoded";
export const PAYLOAD_JSON = "Jwt payload is an invalid JSON";
export const BAD_AUDIENCE = "Jwt payload [aud] field is not a string or string list";
export const SIGNATURE_BASE64 = "Jwt signature is an invalid Base64url encoded";
export const UNKNOWN_ISSUER = "Jwt issuer is not configured";
export const WRONG_AUDIENCE = "Audiences in Jwt are not allowed";
export const WRONG_SIGNATURE = "Jwt verification fails";
export const NO_MATCHING_KEY = "Jwks doesn't have key to match kid or alg from Jwt";
export const FETCH_FAILED = "Jwks remote fetch is failed";
