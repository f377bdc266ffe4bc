# Reads `USER OWNER SYMBOL` lines and prints the edges of every circle: "USER -> OWNER by SYMBOLS". Prints nothing if
# there is no circle. level=folder compares folders instead of files.
function name(file) {
        if (level == "folder")
                sub("/[^/]*$", "", file)
        return file
}

# Returns the shortest path between two nodes as "from ... to"; "" if there is none.
function path(from, to,    queue, head, tail, before, i, next_one, way) {
        head = tail = 0
        queue[tail++] = from
        before[from] = from
        while (head < tail && !(to in before)) {
                for (i = 1; i <= degree[queue[head]]; i++) {
                        next_one = target[queue[head], i]
                        if (next_one in before)
                                continue
                        before[next_one] = queue[head]
                        queue[tail++] = next_one
                }
                head++
        }
        if (!(to in before))
                return ""
        for (way = to; to != from; way = to " " way)
                to = before[to]
        return way
}

function print_edge(user, owner,    shown, i) {
        for (i = 1; i <= count[user, owner] && i <= 5; i++)
                shown = shown (i > 1 ? ", " : "") symbol[user, owner, i]
        if (i <= count[user, owner])
                shown = shown " and " count[user, owner] - 5 " more"
        printf "%s -> %s by %s\n", user, owner, shown
        printed[user, owner] = 1
}

{
        user = name($1)
        owner = name($2)
        if (user == owner || (user, owner, $3) in seen)
                next
        seen[user, owner, $3] = 1
        if (!((user, owner) in count)) {
                target[user, ++degree[user]] = owner
                users[++edges] = user
                owners[edges] = owner
        }
        symbol[user, owner, ++count[user, owner]] = $3
}

END {
        for (e = 1; e <= edges; e++) {
                if ((users[e], owners[e]) in printed)
                        continue
                back = path(owners[e], users[e])
                if (back == "")
                        continue
                n = split(back, node, " ")
                printf "circle of %d %ss:\n", n, level
                print_edge(users[e], owners[e])
                for (i = 1; i < n; i++)
                        print_edge(node[i], node[i + 1])
        }
}
