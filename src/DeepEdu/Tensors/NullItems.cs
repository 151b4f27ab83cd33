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

    /// <summary>What a function of the caller's gave, if it gave something.</summary>
    /// <param name="made">What it gave.</param>
    /// <param name="op">Who called it.</param>
    /// <param name="function">The function's name, and what it must give.</param>
    /// <exception cref="InvalidOperationException">It gave null.</exception>
    public static T Made<T>([NotNull] T? made, string op, string function)
    {
        if (made is null) { ThrowMade(op, function); }
        return made;
    }

    [DoesNotReturn]
    private static void ThrowMade(string op, string function) => throw new InvalidOperationException($"{op}: {function}, not null");

    [DoesNotReturn]
    public static void Throw(string? list, int at, string? name = null) => throw new ArgumentNullException(list, $"{list}[{at}]{(name is null ? "" : $", \"{name}\",")} is null");
}
