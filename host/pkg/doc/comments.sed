# What the comments of the public headers say to Doxygen.
# A banner between sections documents nothing.
/^\/\* -+ .* -+ \*\/$/d
/^\/\* -+ .* -+$/,/\*\/$/d
/^\/\* clang-format o(n|ff) \*\/$/d
# Nothing in a comment is a command, a tag or an entity of Doxygen's.
/^(\/\*| \*|    .*\/\*| {20,})/ {
  s/\\/\\\\/g
  s/@/\\@/g
  s/</\\</g
  s/>/\\>/g
  s/#/\\#/g
}
# The first comment of a file is the file's.
1s/^\/\* /\/** @file\n * /
# A comment that begins a line documents what follows it.
s/^\/\* /\/** /
s/^(    )\/\* /\1\/** /
# One behind a field or an enumerator documents that.
s/([;,]|[0-9a-zA-Z)])( +)\/\* /\1\2\/**< /
