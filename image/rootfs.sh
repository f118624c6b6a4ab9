#!/bin/sh
# Lays out the root file system of an image: one program, the shared libraries that it loads, certificates of public authorities,
# a user, /tmp. No shell, no package manager. The Dockerfile calls it, and `cargo xtask verify --step chart` tries its result as
# plain files.
#
# usage: rootfs.sh <program> <empty or new folder>
set -eu
program=$1
root=$2
name=$(basename "$program")

mkdir -p "$root/usr/local/bin" "$root/etc/ssl/certs" "$root/tmp"
cp "$program" "$root/usr/local/bin/$name"
# Symbols are for perf, which is not in the image either.
strip --strip-all "$root/usr/local/bin/$name"

# What ldd lists, at the places where the loader looks: the C library, its loader, the compiler's run time.
ldd "$program" | awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }' | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp --dereference "$library" "$root$library"
done

certificates=/etc/ssl/certs/ca-certificates.crt
cp --dereference "$certificates" "$root$certificates"
echo 'nobody:x:65532:65532::/:/nonexistent' > "$root/etc/passwd"
echo 'nobody:x:65532:' > "$root/etc/group"
echo 'hosts: files dns' > "$root/etc/nsswitch.conf"

chmod -R u=rwX,go=rX "$root"
chmod 1777 "$root/tmp"
