# Reads `USER OWNER SYMBOL` lines and prints those whose owner is in a higher layer than the user:
# cli -> plugin -> model -> svc -> util.
BEGIN {
        split("util svc model plugin cli", order, " ")
        for (i in order)
                height[order[i]] = i
}

{
        split($1, user, "/")
        split($2, owner, "/")
        if (!(user[1] in height) || !(owner[1] in height))
                printf "%s -> %s by %s: not in a layer\n", $1, $2, $3
        else if (height[user[1]] < height[owner[1]])
                printf "%s -> %s by %s\n", $1, $2, $3
}
