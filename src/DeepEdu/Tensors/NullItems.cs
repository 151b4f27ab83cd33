using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace DeepEdu.Tensors;

/// <summary>Null inside a list is an error that tells its place, and its name if it has one.</summary>
internal static class NullItems
{
    public static void ThrowIfAny<T>(ReadOnlySpan<T> items, [CallerArgumentExpression(nameof(items))] string? list = null) where T : class
    {
        for (int i = 0; i < items.Length; i++) { if (items[i] is null) { Throw(list, i); } }
    }

    public static void ThrowIfAny<T>(IReadOnlyList<T> items, [CallerArgumentExpression(nameof(items))] string? list = null) where T : class
    {
        ArgumentNullException.ThrowIfNull(items, list);
        for (int i = 0; i < items.Count; i++) { if (items[i] is null) { Throw(list, i); } }
    }

    public static void ThrowIfAny<T>(IReadOnlyList<(string Name, T Value)> items, [CallerArgumentExpression(nameof(items))] string? list = null) where T : class
    {
        ArgumentNullException.ThrowIfNull(items, list);
        for (int i = 0; i < items.Count; i++)
        {
            if (items[i].Value is null) { Throw(list, i, items[i].Name); }
            if (items[i].Name is null) { throw new ArgumentNullException(list, $"{list}[{i}] has no name"); }
        }
    }

    [DoesNotReturn]
    public static void Throw(string? list, int at, string? name = null) => throw new ArgumentNullException(list, $"{list}[{at}]{(name is null ? "" : $", \"{name}\",")} is null");
}
